#include "runtime/base/near.hpp"
#include "runtime/expr/expression_set.hpp"
#include "runtime/expr/quoted_name.hpp"
#include "runtime/operator/needed_values.hpp"
#include "runtime/operator/operator_kind.hpp"
#include "runtime/ops/columns.hpp"

#include <arrow/array.h>
#include <arrow/type.h>
#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace troupe {
namespace {

/// One column of the output.
struct Selected {
  std::string name;
  Expression value;
  bool passed_on = false;  ///< an input column that stands for itself because of `keep` or `drop`
};

using Selection = std::vector<Selected>;

class SelectOperator final : public Operator, public PassesColumns {
 public:
  SelectOperator(std::shared_ptr<const Selection> selection,
                 std::shared_ptr<const ExpressionSet> together, SchemaPtr output, int hidden)
      : selection_(std::move(selection)),
        together_(std::move(together)),
        output_(std::move(output)),
        hidden_(hidden) {}

  Result<Step> process(int, const Batch& batch, Emitter& out) override {
    std::vector<std::shared_ptr<arrow::Array>> columns;
    columns.reserve(selection_->size());
    ExpressionSet::Values values(*together_, batch);
    for (const Selected& column : *selection_) columns.push_back(TRY(values.of(column.value)));
    hand_on_hidden(batch, hidden_, columns);
    out.emit(make_batch(output_, std::move(columns), batch.rows()));
    return Step::done;
  }
  bool passes() const override {
    return std::all_of(selection_->begin(), selection_->end(),
                       [](const Selected& column) { return column.value.as_column() >= 0; });
  }
  int input_of(int column) const override {
    return (*selection_)[static_cast<std::size_t>(column)].value.as_column();
  }

 private:
  const std::shared_ptr<const Selection> selection_;
  const std::shared_ptr<const ExpressionSet> together_;
  const SchemaPtr output_;
  const int hidden_;
};

std::shared_ptr<const ExpressionSet> set_of(const Selection& selection) {
  std::vector<Expression> values;
  for (const Selected& column : selection) values.push_back(column.value);
  return std::make_shared<const ExpressionSet>(std::move(values));
}

Result<Expression> column_of(const arrow::Schema& schema, int column, const SchemaPtr& input) {
  return Expression::bind(quoted_name(schema.field(column)->name()), input);
}

Error no_column(const std::string& name, const arrow::Schema& schema) {
  Error error =
      unknown_column(fmt::format("there is no column '{}'", name), name, schema.field_names());
  if (error.hint.empty()) {
    error.hint = fmt::format("there are: {}", fmt::join(schema.field_names(), ", "));
  }
  return error;
}

/// The input columns that pass on as they are, in the order of the output.
class PassedOn {
 public:
  explicit PassedOn(const SchemaPtr& input) : input_(input) {}

  Result<std::vector<int>> columns(const Options& options) const {
    if (options.has("keep") && options.has("drop")) {
      return make_error(ErrorCode::invalid_argument, "give 'keep' or 'drop', not both").at("drop");
    }
    if (options.has("keep")) return keep(options.list("keep"));
    if (options.has("drop")) return drop(options.list("drop"));
    return std::vector<int>();
  }

 private:
  Result<int> find(const std::string& name, const char* parameter, std::size_t at) const {
    const int column = input_->GetFieldIndex(name);
    if (column >= 0) return column;
    return no_column(name, *input_).at(fmt::format("{}.{}", parameter, at));
  }

  Result<std::vector<int>> keep(const std::vector<std::string>& names) const {
    if (names.size() == 1 && names.front() == "*" && input_->GetFieldIndex("*") < 0) return all();
    std::vector<int> kept;
    for (std::size_t i = 0; i < names.size(); ++i) kept.push_back(TRY(find(names[i], "keep", i)));
    return kept;
  }

  Result<std::vector<int>> drop(const std::vector<std::string>& names) const {
    std::vector<int> kept = all();
    for (std::size_t i = 0; i < names.size(); ++i) {
      std::erase(kept, TRY(find(names[i], "drop", i)));
    }
    return kept;
  }

  std::vector<int> all() const {
    std::vector<int> columns;
    for (int i = 0; i < input_->num_fields(); ++i) columns.push_back(i);
    return columns;
  }

  const SchemaPtr& input_;
};

/// Kept columns first, then computed ones; one that has a kept column's name takes its place.
Result<Selection> bind_selection(const Options& options, const SchemaPtr& input) {
  Selection selection;
  for (const int column : TRY(PassedOn(input).columns(options))) {
    Expression value = TRY(column_of(*input, column, input));
    selection.push_back({input->field(column)->name(), std::move(value), true});
  }
  if (!options.has("columns")) return selection;
  for (const NamedText& wanted : options.named("columns")) {
    Result<Expression> value = Expression::bind(wanted.text, input);
    if (!value) return value.error().at("columns." + wanted.name);
    Selected computed{wanted.name, *std::move(value)};
    const auto same = std::find_if(selection.begin(), selection.end(), [&](const Selected& other) {
      return other.name == wanted.name;
    });
    if (same != selection.end()) {
      *same = std::move(computed);
    } else {
      selection.push_back(std::move(computed));
    }
  }
  return selection;
}

SchemaPtr schema_of(const Selection& selection, const arrow::Schema& input) {
  arrow::FieldVector fields;
  for (const Selected& column : selection) {
    const int plain = column.value.as_column();
    fields.push_back(plain >= 0 ? input.field(plain)->WithName(column.name)
                                : arrow::field(column.name, column.value.type()));
  }
  return arrow::schema(std::move(fields));
}

/// Columns that are only passed on are read where they are needed; what the options name is always
/// read, since they are bound to the narrower input again.
std::vector<int> columns_read(const Selection& selection, const std::set<int>& named,
                              const std::vector<int>& output) {
  std::set<int> columns = named;
  for (std::size_t i = 0; i < selection.size(); ++i) {
    const bool wanted = std::count(output.begin(), output.end(), static_cast<int>(i)) > 0;
    if (selection[i].passed_on && !wanted) continue;
    const std::vector<int>& read = selection[i].value.columns();
    columns.insert(read.begin(), read.end());
  }
  return {columns.begin(), columns.end()};
}

/// Columns named in `keep` or `drop`.
std::set<int> named_columns(const Options& options, const arrow::Schema& input) {
  std::set<int> columns;
  for (const char* parameter : {"keep", "drop"}) {
    if (!options.has(parameter)) continue;
    for (const std::string& name : options.list(parameter)) {
      if (const int column = input.GetFieldIndex(name); column >= 0) columns.insert(column);
    }
  }
  return columns;
}

/// The columns of a key by their new names; nothing where one of them is gone.
std::optional<std::vector<std::string>> key_of(const Selection& selection, const PlanInput& input) {
  if (!input.flow.key) return std::nullopt;
  std::vector<std::string> key;
  for (const std::string& name : *input.flow.key) {
    const auto kept = std::ranges::find_if(selection, [&](const Selected& column) {
      return column.value.as_column() == input.schema->GetFieldIndex(name);
    });
    if (kept == selection.end()) return std::nullopt;
    key.push_back(kept->name);
  }
  return key;
}

/// Window columns, and those of a key, are so by any name.
Flow flow_of(const Selection& selection, const PlanInput& input) {
  Flow flow = input.flow;
  flow.key = key_of(selection, input);
  flow.windows.clear();
  for (const Selected& column : selection) {
    const int plain = column.value.as_column();
    if (plain < 0) continue;
    const WindowColumn* window = find_window(input.flow, input.schema->field(plain)->name());
    if (window != nullptr) flow.windows.push_back({column.name, window->to_time});
  }
  return flow;
}

std::string detail_of(const Selection& selection) {
  std::vector<std::string> parts;
  for (const Selected& column : selection) {
    parts.push_back(column.passed_on ? column.name
                                     : fmt::format("{}: {}", column.name, column.value.text()));
  }
  return fmt::format("{}", fmt::join(parts, ", "));
}

class SelectKind final : public OperatorKind {
 public:
  const OperatorDescription& description() const override { return description_; }

  Result<OperatorPlan> plan(const Options& options, const std::vector<PlanInput>& inputs,
                            const PlanContext&) const override {
    const PlanInput& input = inputs.front();
    const auto selection =
        std::make_shared<const Selection>(TRY(bind_selection(options, input.schema)));
    if (selection->empty()) {
      return make_error(ErrorCode::invalid_argument,
                        "no column is left: give 'columns', 'keep' or a 'drop' that leaves one");
    }
    const SchemaPtr output = schema_of(*selection, *input.schema);

    Phase phase;
    phase.name = "select";
    phase.inputs = {PhaseInput{}};
    phase.outputs = {output};
    phase.flows = {flow_of(*selection, input)};
    phase.detail = detail_of(*selection);
    phase.make_operator =
        [selection, together = set_of(*selection), output = with_hidden(output, input.flow),
         hidden = hidden_columns(input.flow)]() -> Result<std::unique_ptr<Operator>> {
      return std::make_unique<SelectOperator>(selection, together, output, hidden);
    };

    OperatorPlan plan;
    plan.phases = {std::move(phase)};
    plan.rows = input.rows;
    plan.needs = [selection,
                  named = named_columns(options, *input.schema)](const std::vector<int>& wanted) {
      return std::vector<std::vector<int>>{columns_read(*selection, named, wanted)};
    };
    return plan;
  }

 private:
  const OperatorDescription description_ = {
      .name = "select",
      .summary = "Computes columns, and keeps, renames, reorders or drops those there are.",
      .parameters = {{.name = "columns",
                      .type = ParameterType::expressions,
                      .help = "The columns to make: a map from their names to SQL expressions, or "
                              "a list of input columns."},
                     {.name = "keep",
                      .type = ParameterType::columns,
                      .help = "Input columns to pass on as they are, before those of 'columns'; "
                              "[\"*\"] for all."},
                     {.name = "drop",
                      .type = ParameterType::columns,
                      .help = "Pass on all input columns but these, before those of 'columns'."}},
      .example =
          "op: select\nfrom: flights\nwith:\n  keep: [carrier, origin]\n"
          "  columns: {hours: delay / 60.0, late: delay > 15}\n",
      .notes =
          "A column of 'columns' that has the name of a kept one takes its place. Every "
          "expression sees the input's columns, not the new ones. Of numerics, sqrt, exp, ln, log, "
          "power and ^ are computed as double precision, and a quotient has 16 digits behind the "
          "point.",
      .streams = true,
      .changes = true,
  };
};

}  // namespace

void register_select(OperatorRegistry& registry) { registry.add(std::make_unique<SelectKind>()); }

}  // namespace troupe
