#include "runtime/data/memory_share.hpp"
#include "runtime/operator/reservation.hpp"
#include "runtime/ops/aggregate/group_states.hpp"

namespace troupe {

namespace {

/// Rows after which a poor reduction is believed.
constexpr std::int64_t rows_to_judge = 2 * batch_rows_max;
/// Grouping does not pay where it leaves more than this share of the rows...
constexpr double poor_share = 0.6;
/// ... then so many rows go through before it is tried again.
constexpr std::int64_t rows_to_pass = 32 * batch_rows_max;
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
      rows_ += batch.rows();
      if (!full()) return Step::done;
      flushing_ = true;
    }
    // The batch is in the groups already; the calls that follow let the groups go.
    return flush(out);
  }

  Result<Step> drain(Emitter& out) override { return flush(out); }

 private:
  bool poor() const {
    return plan_->key_count() > 0 && rows_ >= rows_to_judge &&
           static_cast<double>(states_.groups()) > poor_share * static_cast<double>(rows_);
  }

  /// Holds more than it may, or more than it should.
  bool full() {
    const std::int64_t bytes = states_.bytes();
    return !memory_.grow(bytes - memory_.bytes()) || bytes > bytes_max_ || poor();
  }

  Result<Step> flush(Emitter& out) {
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
    flushing_ = false;
    return Step::done;
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
  std::int64_t rows_ = 0;  ///< in `states_`
  std::int64_t rows_left_to_pass_ = 0;
  bool flushing_ = false;
};

}  // namespace

Result<std::unique_ptr<Operator>> make_partial_aggregate(std::shared_ptr<const Aggregation> plan) {
  GroupStates states = TRY(GroupStates::make(plan));
  return std::make_unique<PartialAggregate>(std::move(plan), std::move(states));
}

}  // namespace troupe
