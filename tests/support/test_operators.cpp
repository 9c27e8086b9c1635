#include "tests/support/test_operators.hpp"

#include "runtime/base/json.hpp"
#include "runtime/base/near.hpp"
#include "runtime/operator/source.hpp"

#include <arrow/type.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace troupe::test_operators {

namespace {

class TestKind : public OperatorKind {
 public:
  using Plan = std::function<Result<OperatorPlan>(const Options&, const std::vector<PlanInput>&,
                                                  const PlanContext&)>;
  TestKind(OperatorDescription description, Plan plan)
      : description_(std::move(description)), plan_(std::move(plan)) {}

  const OperatorDescription& description() const override { return description_; }
  Result<OperatorPlan> plan(const Options& options, const std::vector<PlanInput>& inputs,
                            const PlanContext& context) const override {
    return plan_(options, inputs, context);
  }

 private:
  OperatorDescription description_;
  Plan plan_;
};

/// Splits of 100, 90, 80, ... bytes, as many as wanted.
class TestSource : public Source {
 public:
  Result<std::vector<Split>> splits(std::uint32_t wanted) override {
    std::vector<Split> all;
    for (std::uint32_t i = 0; i < wanted; ++i) {
      all.push_back({fmt::format("{{\"part\":{}}}", i), 100 - std::int64_t{10} * i});
    }
    return all;
  }
  Result<std::unique_ptr<BatchReader>> open(const Split&) override {
    return make_error(ErrorCode::unsupported, "a test source has no rows");
  }
};

SchemaPtr int_columns(const std::vector<std::string>& names) {
  arrow::FieldVector fields;
  for (const std::string& name : names) fields.push_back(arrow::field(name, arrow::int64()));
  return arrow::schema(fields);
}

Phase phase(const char* name, std::vector<PhaseInput> inputs, std::vector<SchemaPtr> outputs) {
  Phase made{name, std::move(inputs), std::move(outputs)};
  made.make_operator = []() -> Result<std::unique_ptr<Operator>> {
    return make_error(ErrorCode::unsupported, "a test operator does not run");
  };
  return made;
}

PhaseInput input(int index, ExchangeKind exchange = ExchangeKind::forward,
                 std::vector<int> keys = {}, bool blocking = false) {
  return {PhaseInput::Origin::input, index, 0, exchange, std::move(keys), blocking};
}

Result<int> column_of(const SchemaPtr& schema, const std::string& name, std::string path) {
  const int index = schema->GetFieldIndex(name);
  if (index < 0) {
    return unknown_column(fmt::format("no column '{}'", name), name, schema->field_names())
        .at(path);
  }
  return index;
}

std::vector<std::vector<int>> same_columns(const std::vector<int>& output) { return {output}; }

Result<OperatorPlan> read(const Options& options, const PlanContext& context) {
  if (options.text("path") == "missing") {
    return make_error(ErrorCode::not_found, "no such file: missing").at("path");
  }
  SchemaPtr schema = context.resolved ? context.resolved : int_columns(options.list("columns"));
  if (context.projection) schema = int_columns(*context.projection);
  OperatorPlan plan;
  plan.phases.push_back(Phase{"test.read", {}, {schema}});
  plan.phases[0].make_source = []() -> Result<std::shared_ptr<Source>> {
    return std::shared_ptr<Source>(std::make_shared<TestSource>());
  };
  plan.rows = 1000;
  plan.rows_at_most = options.text("path") == "text";
  return plan;
}

Result<OperatorPlan> pass(const std::vector<PlanInput>& inputs) {
  OperatorPlan plan;
  plan.phases.push_back(phase("test.pass", {input(0)}, {inputs[0].schema}));
  plan.rows = inputs[0].rows;
  plan.needs = same_columns;
  return plan;
}

Result<OperatorPlan> pick(const Options& options, const std::vector<PlanInput>& inputs) {
  std::vector<int> picked;
  const std::vector<std::string> names = options.list("columns");
  for (std::size_t i = 0; i < names.size(); ++i) {
    picked.push_back(TRY(column_of(inputs[0].schema, names[i], fmt::format("columns.{}", i))));
  }
  OperatorPlan plan;
  plan.phases.push_back(phase("test.pick", {input(0)}, {int_columns(names)}));
  plan.needs = [picked](const std::vector<int>& output) {
    std::vector<int> columns;
    for (const int column : output) columns.push_back(picked[static_cast<std::size_t>(column)]);
    std::sort(columns.begin(), columns.end());
    return std::vector<std::vector<int>>{columns};
  };
  return plan;
}

Result<OperatorPlan> group(const Options& options, const std::vector<PlanInput>& inputs) {
  const std::string name = options.text("by");
  const int key = TRY(column_of(inputs[0].schema, name, "by"));
  const SchemaPtr counted = int_columns({name, "rows"});
  OperatorPlan plan;
  plan.phases.push_back(phase("test.group.partial", {input(0)}, {counted}));
  PhaseInput from_partial{PhaseInput::Origin::phase, 0, 0, ExchangeKind::hash, {0}, true};
  plan.phases.push_back(phase("test.group.final", {from_partial}, {counted}));
  plan.needs = [key](const std::vector<int>&) { return std::vector<std::vector<int>>{{key}}; };
  return plan;
}

Result<OperatorPlan> sort(const std::vector<PlanInput>& inputs) {
  OperatorPlan plan;
  plan.phases.push_back(
      phase("test.sort", {input(0, ExchangeKind::gather, {}, true)}, {inputs[0].schema}));
  plan.phases[0].parallelism_max = 1;
  plan.needs = same_columns;
  return plan;
}

/// Input 0 is probed, input 1 is the build side; a clashing column of input 1 gets "_right".
Result<OperatorPlan> join(const Options& options, const std::vector<PlanInput>& inputs) {
  const int left = TRY(column_of(inputs[0].schema, options.text("using"), "using"));
  const int right = TRY(column_of(inputs[1].schema, options.text("using"), "using"));
  std::vector<std::string> names = inputs[0].schema->field_names();
  for (const std::string& name : inputs[1].schema->field_names()) {
    names.push_back(inputs[0].schema->GetFieldIndex(name) < 0 ? name : name + "_right");
  }
  OperatorPlan plan;
  plan.phases.push_back(
      phase("test.join",
            {input(0, ExchangeKind::hash, {left}), input(1, ExchangeKind::hash, {right}, true)},
            {int_columns(names)}));
  const int split = inputs[0].schema->num_fields();
  plan.needs = [left, right, split](const std::vector<int>& output) {
    std::vector<std::vector<int>> columns{{left}, {right}};
    for (const int column : output) {
      if (column < split) columns[0].push_back(column);
      if (column >= split) columns[1].push_back(column - split);
    }
    for (auto& side : columns) {
      std::sort(side.begin(), side.end());
      side.erase(std::unique(side.begin(), side.end()), side.end());
    }
    return columns;
  };
  return plan;
}

/// All rows of both inputs.
Result<OperatorPlan> unite(const std::vector<PlanInput>& inputs) {
  OperatorPlan plan;
  plan.phases.push_back(phase("test.unite", {input(0), input(1)}, {inputs[0].schema}));
  return plan;
}

/// Can be asked what it would refuse, as every sink; does not run.
class IdleSink final : public Sink {
 public:
  Result<std::unique_ptr<SinkWriter>> open(const SinkContext&) override { return no(); }
  Result<> commit(const SinkCommit&, const std::vector<Committable>&) override { return no(); }
  Result<> clean_up(const std::string&) override { return no(); }

 private:
  static Error no() { return make_error(ErrorCode::unsupported, "a test sink does not run"); }
};

Result<OperatorPlan> write() {
  OperatorPlan plan;
  plan.phases.push_back(Phase{"test.write", {input(0)}, {}});
  plan.phases[0].make_sink = []() -> Result<std::shared_ptr<Sink>> {
    return std::shared_ptr<Sink>(std::make_shared<IdleSink>());
  };
  return plan;
}

void add(OperatorRegistry& registry, OperatorDescription description, TestKind::Plan plan) {
  registry.add(std::make_unique<TestKind>(std::move(description), std::move(plan)));
}

OperatorDescription describe(const char* name, OperatorRole role, int inputs,
                             std::vector<Parameter> parameters = {}) {
  return {name, "Plans and never runs.", role, inputs, inputs, std::move(parameters), ""};
}

}  // namespace

void register_all(OperatorRegistry& registry) {
  using Inputs = std::vector<PlanInput>;
  const auto required = [](const char* name, ParameterType type) {
    Parameter parameter{name, type, "Needed."};
    parameter.required = true;
    return parameter;
  };
  Parameter columns{"columns", ParameterType::columns, "All int64."};
  columns.default_value = R"(["a","b","c"])";
  Parameter path{"path", ParameterType::path, "'missing' is missing."};
  path.default_value = R"("somewhere")";
  add(registry, describe("test.read", OperatorRole::source, 0, {columns, path}),
      [](const Options& o, const Inputs&, const PlanContext& c) { return read(o, c); });
  add(registry, describe("test.pass", OperatorRole::transform, 1),
      [](const Options&, const Inputs& i, const PlanContext&) { return pass(i); });
  add(registry,
      describe("test.pick", OperatorRole::transform, 1,
               {required("columns", ParameterType::columns)}),
      [](const Options& o, const Inputs& i, const PlanContext&) { return pick(o, i); });
  add(registry,
      describe("test.group", OperatorRole::transform, 1, {required("by", ParameterType::column)}),
      [](const Options& o, const Inputs& i, const PlanContext&) { return group(o, i); });
  add(registry, describe("test.sort", OperatorRole::transform, 1),
      [](const Options&, const Inputs& i, const PlanContext&) { return sort(i); });
  add(registry,
      describe("test.join", OperatorRole::transform, 2, {required("using", ParameterType::column)}),
      [](const Options& o, const Inputs& i, const PlanContext&) { return join(o, i); });
  add(registry,
      describe("test.early_join", OperatorRole::transform, 2,
               {required("using", ParameterType::column)}),
      [](const Options& o, const Inputs& i, const PlanContext&) -> Result<OperatorPlan> {
        OperatorPlan plan = TRY(join(o, i));
        plan.phases[0].inputs[0].may_be_early = true;
        return plan;
      });
  add(registry, describe("test.unite", OperatorRole::transform, 2),
      [](const Options&, const Inputs& i, const PlanContext&) { return unite(i); });
  add(registry, describe("test.write", OperatorRole::sink, 1),
      [](const Options&, const Inputs&, const PlanContext&) { return write(); });
  Parameter connection{"connection", ParameterType::connection, "Where to."};
  connection.choices = {"postgres"};
  add(registry, describe("test.send", OperatorRole::sink, 1, {connection}),
      [](const Options&, const Inputs&, const PlanContext&) { return write(); });
}

const OperatorRegistry& registry() {
  static const OperatorRegistry all = [] {
    OperatorRegistry made(system_files());
    register_all(made);
    return made;
  }();
  return all;
}

}  // namespace troupe::test_operators
