#include "runtime/ops/grouping/group_states.hpp"

#include <algorithm>

namespace troupe {

namespace {

class FinalAggregate final : public Operator {
 public:
  FinalAggregate(std::string name, GroupStates states)
      : name_(std::move(name)), states_(std::move(states)) {}
  ~FinalAggregate() override {
    if (memory_) memory_->give_back(reserved_);
  }

  Result<> open(const OperatorContext& context) override {
    memory_ = context.memory;
    return {};
  }

  Result<Step> process(int, const Batch& batch, Emitter&) override {
    TRY(states_.merge(batch));
    TRY(reserve());
    return Step::done;
  }

  Result<Step> drain(Emitter& out) override {
    const std::uint32_t end =
        std::min(states_.groups(), next_ + static_cast<std::uint32_t>(batch_rows_max));
    if (next_ < end) out.emit(TRY(states_.results(next_, end)));
    next_ = end;
    return end < states_.groups() ? Step::again : Step::done;
  }

 private:
  Result<> reserve() {
    const std::int64_t bytes = states_.bytes();
    if (memory_ && !memory_->reserve(bytes - reserved_)) {
      Error error = fail(ErrorCode::unavailable,
                         "{}: {} groups take {} bytes, and the run's limit of {} bytes is reached",
                         name_, states_.groups(), bytes, memory_->bytes_max());
      error.hint = "give the run more memory, or more subtasks on more nodes";
      return error;
    }
    if (memory_) reserved_ = bytes;
    return {};
  }

  const std::string name_;
  GroupStates states_;
  MemoryBudget* memory_ = nullptr;
  std::int64_t reserved_ = 0;
  std::uint32_t next_ = 0;
};

}  // namespace

Result<std::unique_ptr<Operator>> make_final_aggregate(std::shared_ptr<const Aggregation> plan,
                                                       const std::string& name) {
  return std::make_unique<FinalAggregate>(name, TRY(GroupStates::make(std::move(plan))));
}

}  // namespace troupe
