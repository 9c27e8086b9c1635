#include "tests/sim/faulty_operators.hpp"

#include <arrow/record_batch.h>

#include <utility>

namespace troupe::sim {
namespace {

/// Windows close so much too early.
constexpr EventTime::duration too_early = std::chrono::seconds(8);

/// The rows that come, without those that take others back.
Batch only_given(const Batch& batch) {
  const int last = batch.columns()->num_columns() - 1;
  const bool weighed = last >= 0 && batch.columns()->column_name(last) == weight_column;
  if (!weighed) return batch;
  const auto weights = weights_of(batch);
  std::int64_t rows = 0;
  while (rows < batch.rows() && weights[static_cast<std::size_t>(rows)] > 0) ++rows;
  return Batch(batch.columns()->Slice(0, rows));
}

class FaultyOperator final : public Operator {
 public:
  FaultyOperator(std::unique_ptr<Operator> real, Mutation mutation, Random& random)
      : real_(std::move(real)), mutation_(mutation), random_(random) {}

  Result<> open(const OperatorContext& context) override { return real_->open(context); }
  Result<Step> process(int input, const Batch& batch, Emitter& out) override {
    if (mutation_ != Mutation::taking_back_forgotten) return real_->process(input, batch, out);
    const Batch given = only_given(batch);
    return given.rows() == 0 ? Result<Step>(Step::done) : real_->process(input, given, out);
  }
  Result<Step> advance(EventTime time, Emitter& out) override {
    const bool early =
        mutation_ == Mutation::time_runs_ahead && time < EventTime::max() - too_early;
    return real_->advance(early ? time + too_early : time, out);
  }
  Result<> end_of_input(int input, Emitter& out) override {
    return real_->end_of_input(input, out);
  }
  Result<Step> drain(Emitter& out) override { return real_->drain(out); }
  bool wants(int input) const override { return real_->wants(input); }
  bool satisfied() const override { return real_->satisfied(); }
  std::vector<std::string> notes() const override { return real_->notes(); }
  Result<Step> flush(Emitter& out) override {
    return mutation_ == Mutation::barrier_not_flushed ? Result<Step>(Step::done)
                                                      : real_->flush(out);
  }
  Result<StateRows> snapshot() override {
    auto rows = real_->snapshot();
    if (!rows || mutation_ != Mutation::change_not_handed_over || !random_.chance(1, 10))
      return rows;
    for (std::vector<Batch>& table : *rows) {
      if (!table.empty()) table.pop_back();
    }
    return rows;
  }
  Result<> restore(int table, const Batch& rows) override {
    const bool forgets = mutation_ == Mutation::state_row_forgotten && rows.rows() > 0;
    return real_->restore(table, forgets ? Batch(rows.columns()->Slice(0, rows.rows() - 1)) : rows);
  }
  bool blocks() const override { return real_->blocks(); }

 private:
  const std::unique_ptr<Operator> real_;
  const Mutation mutation_;
  Random& random_;
};

class FaultyKind final : public OperatorKind {
 public:
  FaultyKind(const OperatorKind& real, Mutation mutation, Random& random)
      : real_(real), mutation_(mutation), random_(random) {}
  const OperatorDescription& description() const override { return real_.description(); }

  Result<OperatorPlan> plan(const Options& options, const std::vector<PlanInput>& inputs,
                            const PlanContext& context) const override {
    auto plan = real_.plan(options, inputs, context);
    if (!plan) return plan;
    for (Phase& phase : plan->phases) {
      if (!phase.make_operator) continue;
      phase.make_operator = [make = phase.make_operator, mutation = mutation_,
                             &random = random_]() -> Result<std::unique_ptr<Operator>> {
        return std::unique_ptr<Operator>(
            std::make_unique<FaultyOperator>(TRY(make()), mutation, random));
      };
    }
    return plan;
  }

 private:
  const OperatorKind& real_;
  const Mutation mutation_;
  Random& random_;
};

}  // namespace

bool is_of_operators(Mutation mutation) {
  switch (mutation) {
    case Mutation::taking_back_forgotten:
    case Mutation::time_runs_ahead:
    case Mutation::barrier_not_flushed:
    case Mutation::change_not_handed_over:
    case Mutation::state_row_forgotten:
      return true;
    default:
      return false;
  }
}

void register_faulty(OperatorRegistry& registry, const OperatorRegistry& kinds, Mutation mutation,
                     Random& random) {
  for (const OperatorKind* kind : kinds.all()) {
    registry.add(std::make_unique<FaultyKind>(*kind, mutation, random));
  }
}

}  // namespace troupe::sim
