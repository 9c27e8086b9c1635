#pragma once

#include "runtime/operator/operator.hpp"
#include "runtime/ops/changes/output_queue.hpp"

namespace troupe {

/// An operator over streams that collects rows and then works on all of them at once: what changes
/// several times in between leaves once. It works when the event time has moved, when there are
/// rows enough, at a barrier and at the end; what it makes leaves before anything else is taken.
class MiniBatchOperator : public Operator {
 public:
  Result<Step> process(int input, const Batch& batch, Emitter& out) final {
    if (!leaving_) {
      TRY(collect(input, batch));
      collected_ += batch.rows();
      if (collected_ < rows_enough) return Step::done;
      TRY(begin());
    }
    return leave(out);
  }
  Result<Step> advance(EventTime time, Emitter& out) final {
    if (!leaving_) {
      TRY(begin());
      TRY(move_to(time));
    }
    return leave(out);
  }
  Result<Step> flush(Emitter& out) final {
    if (!leaving_) TRY(begin());
    return leave(out);
  }
  Result<Step> drain(Emitter& out) final { return flush(out); }

  /// Fewer rows than this wait at any time.
  static constexpr std::int64_t rows_enough = batch_rows_max;

 protected:
  virtual Result<> collect(int input, const Batch& batch) = 0;
  /// Takes all that was collected into account, and makes what follows from it.
  virtual Result<> work() = 0;
  /// No row before this time will come, except late ones: after `work`.
  virtual Result<> move_to(EventTime) { return {}; }
  OutputQueue& queue() { return queue_; }

 private:
  Result<> begin() {
    TRY(work());
    collected_ = 0;
    leaving_ = true;
    return {};
  }
  Step leave(Emitter& out) {
    const Step step = queue_.let_go(out);
    leaving_ = step == Step::again;
    return step;
  }

  OutputQueue queue_;
  std::int64_t collected_ = 0;
  bool leaving_ = false;
};

}  // namespace troupe
