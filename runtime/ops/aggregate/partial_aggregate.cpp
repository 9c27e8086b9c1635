#include "runtime/data/memory_share.hpp"
#include "runtime/operator/reservation.hpp"
#include "runtime/ops/aggregate/group_states.hpp"

#include <optional>

namespace troupe {

namespace {

/// Rows after which a poor reduction is believed.
constexpr std::int64_t rows_to_judge = 2 * batch_rows_max;
/// Grouping does not pay where it leaves more than this share of the rows...
constexpr double poor_share = 0.6;
/// ... then so many rows go through before it is tried again.
constexpr std::int64_t rows_to_pass = 32 * batch_rows_max;
/// Up to so many bytes groups are found in the cache. Beyond, a larger table has to find repeats
/// that this one does not...
constexpr std::int64_t cached_bytes_max = 1 << 20;
/// ... and finds none where rows make new states at this share of their rate in the beginning.
constexpr double steady_share = 0.9;
constexpr MemoryShare held{.parts = 32, .least = 1 << 20, .most = partial_bytes_max};

class PartialAggregate final : public Operator {
 public:
  PartialAggregate(std::shared_ptr<const Aggregation> plan, GroupStates states)
      : plan_(std::move(plan)), states_(std::move(states)) {}

  Result<> open(const OperatorContext& context) override {
    memory_.attach(context.memory);
    bytes_max_ = held.of(context.memory);
    return {};
  }

  Result<Step> process(int, const Batch& batch, Emitter& out) override {
    if (!flushing_) {
      if (rows_left_to_pass_ > 0) return pass(batch, out);
      TRY(states_.add(batch));
      count(batch.rows());
      if (!full()) return Step::done;
      flushing_ = true;
    }
    // The batch is in the groups already; the calls that follow let the groups go.
    return flush(out);
  }

  /// What it holds is due before the time that follows.
  Result<Step> advance(EventTime, Emitter& out) override { return flush(out); }
  Result<Step> drain(Emitter& out) override { return flush(out); }

  Result<Step> flush(Emitter& out) override {
    Batch batch = TRY(states_.next_states(cursor_));
    if (batch) {
      out.emit(std::move(batch));
      return Step::again;
    }
    if (poor()) rows_left_to_pass_ = rows_to_pass;
    states_ = TRY(GroupStates::make(plan_));
    memory_.release();
    cursor_ = {};
    rows_ = 0;
    half_ = {};
    steady_.reset();
    flushing_ = false;
    return Step::done;
  }

 private:
  struct Progress {
    std::int64_t rows = 0;
    std::int64_t states = 0;
  };

  bool poor() const {
    return plan_->key_count() > 0 && (rows_ >= rows_to_judge || steady()) &&
           static_cast<double>(states_.state_rows()) > poor_share * static_cast<double>(rows_);
  }

  /// New states of a row.
  static double rate(const Progress& from, const Progress& to) {
    return static_cast<double>(to.states - from.states) / static_cast<double>(to.rows - from.rows);
  }

  void count(std::int64_t rows) {
    rows_ += rows;
    const std::int64_t bytes = states_.bytes();
    if (half_.rows == 0 && bytes > cached_bytes_max / 2) half_ = {rows_, states_.state_rows()};
    if (steady_ || bytes <= cached_bytes_max || half_.rows == rows_) return;
    steady_ = rate(half_, {rows_, states_.state_rows()}) >= steady_share * rate({}, half_);
  }

  /// Rows lie by key, or each key comes once: in either case these groups are as good as they get.
  bool steady() const { return plan_->key_count() > 0 && steady_.value_or(false); }

  /// Holds more than it may, or more than it should.
  bool full() {
    const std::int64_t bytes = states_.bytes();
    return !memory_.grow(bytes - memory_.bytes()) || bytes > bytes_max_ || poor() || steady();
  }

  Result<Step> pass(const Batch& batch, Emitter& out) {
    rows_left_to_pass_ -= batch.rows();
    out.emit(TRY(states_of_rows(*plan_, batch)));
    return Step::done;
  }

  const std::shared_ptr<const Aggregation> plan_;
  GroupStates states_;
  GroupStates::Cursor cursor_;
  Reservation memory_;
  std::int64_t bytes_max_ = partial_bytes_max;
  std::int64_t rows_ = 0;            ///< in `states_`
  Progress half_ = {};               ///< when half of the cache was full
  std::optional<bool> steady_ = {};  ///< known once the cache was full
  std::int64_t rows_left_to_pass_ = 0;
  bool flushing_ = false;
};

}  // namespace

Result<std::unique_ptr<Operator>> make_partial_aggregate(std::shared_ptr<const Aggregation> plan) {
  GroupStates states = TRY(GroupStates::make(plan));
  return std::make_unique<PartialAggregate>(std::move(plan), std::move(states));
}

}  // namespace troupe
