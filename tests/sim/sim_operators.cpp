#include "tests/sim/sim_operators.hpp"

#include "runtime/base/json.hpp"

#include <arrow/record_batch.h>

#include <memory>
#include <utility>
#include <vector>

namespace troupe::sim {
namespace {

class Pass : public Operator {
 public:
  Result<Step> process(int, const Batch& batch, Emitter& out) override {
    out.emit(batch);
    return Step::done;
  }
};

/// Each row a batch of its own, from a place that chance decides on; now and then, two at once.
class Scatter final : public Operator {
 public:
  explicit Scatter(Random& random) : random_(random) {}

  Result<Step> process(int, const Batch& batch, Emitter& out) override {
    const std::int64_t rows = batch.rows();
    const auto first = static_cast<std::int64_t>(
        random_.below(static_cast<std::uint64_t>(std::max<std::int64_t>(rows, 1))));
    for (std::int64_t i = 0; i < rows;) {
      const std::int64_t from = (first + i) % rows;
      const std::int64_t most = std::min(rows - i, rows - from);
      const std::int64_t count = std::min<std::int64_t>(most, random_.chance(1, 4) ? 2 : 1);
      out.emit(Batch(batch.columns()->Slice(from, count)));
      i += count;
    }
    return Step::done;
  }

 private:
  Random& random_;
};

class Trip final : public Pass {
 public:
  explicit Trip(std::function<Result<>(std::uint32_t subtask)> trip) : trip_(std::move(trip)) {}

  Result<> open(const OperatorContext& context) override {
    subtask_ = context.subtask;
    return {};
  }
  Result<> end_of_input(int, Emitter&) override { return trip_(subtask_); }

 private:
  const std::function<Result<>(std::uint32_t)> trip_;
  std::uint32_t subtask_ = 0;
};

ExchangeKind kind_of(const std::string& word) {
  for (const ExchangeKind kind : {ExchangeKind::hash, ExchangeKind::broadcast,
                                  ExchangeKind::rebalance, ExchangeKind::gather}) {
    if (word == to_string(kind)) return kind;
  }
  return ExchangeKind::forward;
}

class Exchange final : public OperatorKind {
 public:
  explicit Exchange(Random& random) : random_(random) {}
  const OperatorDescription& description() const override { return description_; }

  Result<OperatorPlan> plan(const Options& options, const std::vector<PlanInput>& inputs,
                            const PlanContext&) const override {
    OperatorPlan plan;
    PhaseInput over;
    if (options.boolean("scatters")) {
      Phase scatter{"sim.scatter", {PhaseInput()}, {inputs[0].schema}};
      scatter.make_operator = [&random = random_]() -> Result<std::unique_ptr<Operator>> {
        return std::unique_ptr<Operator>(std::make_unique<Scatter>(random));
      };
      plan.phases.push_back(std::move(scatter));
      over.origin = PhaseInput::Origin::phase;
    }
    over.exchange = kind_of(options.text("kind"));
    if (over.exchange == ExchangeKind::hash) over.keys = {0};
    over.blocking = options.boolean("kept");
    Phase pass{"sim.exchange", {over}, {inputs[0].schema}};
    if (over.exchange == ExchangeKind::gather) pass.parallelism_max = 1;
    pass.make_operator = []() -> Result<std::unique_ptr<Operator>> {
      return std::unique_ptr<Operator>(std::make_unique<Pass>());
    };
    plan.phases.push_back(std::move(pass));
    return plan;
  }

 private:
  const OperatorDescription description_ = {
      .name = "sim.exchange",
      .summary = "Passes rows on over an exchange.",
      .role = OperatorRole::transform,
      .parameters = {
          {.name = "kind", .type = ParameterType::text, .help = ".", .default_value = "\"hash\""},
          {.name = "kept", .type = ParameterType::boolean, .help = ".", .default_value = "false"},
          {.name = "scatters",
           .type = ParameterType::boolean,
           .help = ".",
           .default_value = "false"}}};
  Random& random_;
};

class TripKind final : public OperatorKind {
 public:
  explicit TripKind(std::function<bool(const std::string&)> first_time)
      : first_time_(std::move(first_time)) {}
  const OperatorDescription& description() const override { return description_; }

  Result<OperatorPlan> plan(const Options& options, const std::vector<PlanInput>& inputs,
                            const PlanContext&) const override {
    const std::string name = options.text("name");
    const std::string how = options.text("how");
    const auto trip = [name, how, first = first_time_](std::uint32_t subtask) -> Result<> {
      if (how == "always") return make_error(ErrorCode::invalid_argument, "the user's mistake");
      if (!first(fmt::format("{}, subtask {}", name, subtask))) return {};
      return make_error(how == "resource" ? ErrorCode::unavailable : ErrorCode::internal,
                        "planned by the model");
    };
    Phase phase{"sim.trip", {PhaseInput()}, {inputs[0].schema}};
    phase.make_operator = [trip]() -> Result<std::unique_ptr<Operator>> {
      return std::unique_ptr<Operator>(std::make_unique<Trip>(trip));
    };
    OperatorPlan plan;
    plan.phases.push_back(std::move(phase));
    return plan;
  }

 private:
  const OperatorDescription description_ = {
      .name = "sim.trip",
      .summary = "Fails at the end of its input.",
      .role = OperatorRole::transform,
      .parameters = {{.name = "name", .type = ParameterType::text, .help = ".", .required = true},
                     {.name = "how",
                      .type = ParameterType::text,
                      .help = "resource, internal: once; always: as the user's mistake.",
                      .required = true}}};
  const std::function<bool(const std::string&)> first_time_;
};

}  // namespace

void register_sim_operators(OperatorRegistry& registry, OperatorHooks hooks) {
  registry.add(std::make_unique<Exchange>(*hooks.random));
  registry.add(std::make_unique<TripKind>(std::move(hooks.first_time)));
}

}  // namespace troupe::sim
