#pragma once

#include "runtime/operator/operator.hpp"

#include <cstdint>
#include <deque>
#include <utility>

namespace troupe {

/// Output that is made at once and leaves a batch a call, so that what stands behind bounds it.
class OutputQueue {
 public:
  /// May have more rows than a batch: it is cut. None is left out.
  void add(const Batch& batch);
  bool empty() const { return batches_.empty(); }
  /// Emits the next batch, if there is one; `again` while more wait.
  Step let_go(Emitter& out) {
    if (batches_.empty()) return Step::done;
    out.emit(std::move(batches_.front()));
    batches_.pop_front();
    return batches_.empty() ? Step::done : Step::again;
  }

 private:
  std::deque<Batch> batches_;
};

}  // namespace troupe
