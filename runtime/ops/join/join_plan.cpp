#include "runtime/ops/join/join_plan.hpp"

#include "runtime/base/near.hpp"
#include "runtime/ops/wider_type.hpp"

#include <arrow/array.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <arrow/type_traits.h>
#include <fmt/format.h>

#include <algorithm>

namespace troupe {
namespace {

std::vector<std::string> names_of(const arrow::Schema& schema) { return schema.field_names(); }

Result<JoinKey> column_key(const std::string& name, const SchemaPtr& schema, const char* side,
                           const std::string& path) {
  JoinKey key;
  key.column = schema->GetFieldIndex(name);
  if (key.column < 0) {
    return unknown_column(fmt::format("the {} input has no column '{}'", side, name), name,
                          names_of(*schema))
        .at(path);
  }
  key.type = schema->field(key.column)->type();
  return key;
}

Result<JoinKey> right_key(const std::string& text, const SchemaPtr& schema,
                          const std::string& path) {
  if (schema->GetFieldIndex(text) >= 0) return column_key(text, schema, "right", path);
  auto bound = Expression::bind(text, schema);
  if (!bound) return bound.error().at(path);
  JoinKey key;
  key.column = bound->as_column();
  key.type = bound->type();
  if (key.column < 0) key.value = std::move(*bound);
  return key;
}

bool is_text(const arrow::DataType& type) {
  return type.id() == arrow::Type::STRING || type.id() == arrow::Type::LARGE_STRING;
}

/// What two keys are compared as; null where SQL would not compare them.
std::shared_ptr<arrow::DataType> common_type(const std::shared_ptr<arrow::DataType>& a,
                                             const std::shared_ptr<arrow::DataType>& b) {
  if (a->Equals(*b)) return a;
  const auto whole = [](const arrow::DataType& type) {
    return arrow::is_integer(type.id()) && type.id() != arrow::Type::UINT64;
  };
  if (whole(*a) && whole(*b)) return arrow::int64();
  if (is_text(*a) && is_text(*b)) return arrow::utf8();
  if (auto wider = wider_type(a, b); wider && arrow::is_decimal(wider->id())) return wider;
  const auto number = [&](const arrow::DataType& type) {
    return type.id() == arrow::Type::FLOAT || type.id() == arrow::Type::DOUBLE || whole(type);
  };
  if (number(*a) && number(*b)) return arrow::float64();
  if (a->id() == arrow::Type::TIMESTAMP && b->id() == arrow::Type::TIMESTAMP) {
    const auto& left = static_cast<const arrow::TimestampType&>(*a);
    const auto& right = static_cast<const arrow::TimestampType&>(*b);
    if (left.timezone().empty() != right.timezone().empty()) return nullptr;
    return arrow::timestamp(std::max(left.unit(), right.unit()), left.timezone());
  }
  return nullptr;
}

/// Appends keys that are no plain column of the common type.
class AppendKeysOperator final : public Operator {
 public:
  struct Added {
    JoinKey key;
    std::shared_ptr<arrow::Field> field;
  };
  AppendKeysOperator(std::shared_ptr<const std::vector<Added>> added, int hidden)
      : added_(std::move(added)), hidden_(hidden) {}

  Result<Step> process(int, const Batch& batch, Emitter& out) override {
    auto fields = batch.columns()->schema()->fields();
    auto columns = batch.columns()->columns();
    for (const Added& added : *added_) {
      const auto value = added.key.value ? TRY(added.key.value->evaluate(batch))
                                         : batch.columns()->column(added.key.column);
      const std::string& name = added.key.value
                                    ? added.key.value->text()
                                    : batch.columns()->schema()->field(added.key.column)->name();
      columns.insert(columns.end() - hidden_, TRY(widened(value, added.field->type(), name)));
      fields.insert(fields.end() - hidden_, added.field);
    }
    out.emit(Batch(arrow::RecordBatch::Make(arrow::schema(std::move(fields)), batch.rows(),
                                            std::move(columns))));
    return Step::done;
  }

 private:
  const std::shared_ptr<const std::vector<Added>> added_;
  const int hidden_;  ///< columns, which stay behind the keys
};

std::shared_ptr<arrow::Field> output_field(const arrow::Field& field, bool may_be_null) {
  return field.WithType(logical_type(field.type()))->WithNullable(field.nullable() || may_be_null);
}

void add_left_columns(JoinOutput& output, const JoinSpec& spec, const JoinSide& side,
                      const SchemaPtr& left, const std::vector<JoinKeyPair>& pairs) {
  for (int i = 0; i < left->num_fields(); ++i) {
    JoinSpec::Column column{.from_left = true, .index = i};
    auto field = output_field(*left->field(i), spec.keeps_right());
    std::set<int> from_right;
    for (std::size_t k = 0; k < pairs.size(); ++k) {
      if (!pairs[k].once || pairs[k].left.column != i || spec.only_left()) continue;
      column.index = side.keys[k];
      column.right_key = spec.right_keys[k];
      field = field->WithType(pairs[k].type);
      from_right.insert(pairs[k].right.column);
    }
    output.columns.push_back(column);
    output.fields.push_back(std::move(field));
    output.needs_left.push_back({i});
    output.needs_right.push_back(std::move(from_right));
  }
}

Result<> add_right_columns(JoinOutput& output, const JoinSpec& spec, const SchemaPtr& left,
                           const SchemaPtr& right, const std::vector<JoinKeyPair>& pairs,
                           const std::string& suffix) {
  for (int i = 0; i < right->num_fields(); ++i) {
    const bool is_key = std::any_of(pairs.begin(), pairs.end(), [&](const JoinKeyPair& pair) {
      return pair.once && pair.right.column == i;
    });
    if (is_key) continue;
    const auto& field = *right->field(i);
    const int clash = left->GetFieldIndex(field.name());
    std::string name = field.name();
    if (clash >= 0) {
      if (suffix.empty()) {
        Error error =
            make_error(ErrorCode::invalid_argument, "both inputs have a column '{}'", name);
        error.hint =
            "give a suffix for those of the right one (`suffix: _right`), join `using` "
            "the column, or rename it in a select";
        return error.at("suffix");
      }
      name += suffix;
      if (left->GetFieldIndex(name) >= 0 || right->GetFieldIndex(name) >= 0) {
        return make_error(ErrorCode::invalid_argument,
                          "with this suffix there are two columns '{}'", name)
            .at("suffix");
      }
    }
    output.columns.push_back({.from_left = false, .index = i});
    output.fields.push_back(output_field(field, spec.keeps_left())->WithName(name));
    // The name depends on the left column of the same name: without it there would be no suffix.
    output.needs_left.push_back(clash >= 0 ? std::set<int>{clash} : std::set<int>{});
    output.needs_right.push_back({i});
  }
  return {};
}

/// Leaves out the columns that nobody needs.
void narrow(JoinOutput& output, const std::optional<std::vector<std::string>>& projection) {
  if (!projection) return;
  JoinOutput narrowed;
  for (std::size_t i = 0; i < output.columns.size(); ++i) {
    const auto& names = *projection;
    if (std::find(names.begin(), names.end(), output.fields[i]->name()) == names.end()) continue;
    narrowed.columns.push_back(output.columns[i]);
    narrowed.fields.push_back(output.fields[i]);
    narrowed.needs_left.push_back(output.needs_left[i]);
    narrowed.needs_right.push_back(output.needs_right[i]);
  }
  output = std::move(narrowed);
}

}  // namespace

Result<std::vector<JoinKeyPair>> bind_join_keys(const Options& options, const SchemaPtr& left,
                                                const SchemaPtr& right) {
  if (options.has("using") == options.has("keys")) {
    Error error = make_error(ErrorCode::invalid_argument, "a join needs either `using` or `keys`");
    error.hint =
        "`using: [carrier]` where the columns have the same name, `keys: {dest: faa}` "
        "where they have not";
    return error.at("using");
  }
  std::vector<JoinKeyPair> pairs;
  const auto add = [&](const std::string& left_name, const std::string& right_text, bool once,
                       const std::string& path) -> Result<> {
    JoinKeyPair pair;
    pair.once = once;
    pair.left = TRY(column_key(left_name, left, "left", path));
    pair.right = once ? TRY(column_key(right_text, right, "right", path))
                      : TRY(right_key(right_text, right, path));
    pair.type = common_type(pair.left.type, pair.right.type);
    if (pair.type == nullptr) {
      Error error =
          make_error(ErrorCode::invalid_argument, "cannot compare {} ({}) with {} ({})", left_name,
                     pair.left.type->ToString(), right_text, pair.right.type->ToString());
      error.hint = "CAST one of them in a select before the join";
      return error.at(path);
    }
    pairs.push_back(std::move(pair));
    return {};
  };
  if (options.has("using")) {
    std::size_t index = 0;
    for (const std::string& name : options.list("using")) {
      TRY(add(name, name, true, fmt::format("using.{}", index++)));
    }
  } else {
    for (const NamedText& key : options.named("keys")) {
      TRY(add(key.name, key.text, false, "keys." + key.name));
    }
  }
  if (pairs.empty()) {
    const char* path = options.has("using") ? "using" : "keys";
    return make_error(ErrorCode::invalid_argument, "a join needs at least one key").at(path);
  }
  return pairs;
}

namespace {

/// Adds a phase where a key is no column yet, or not of the type that it is compared as. `flow`: of
/// the batches that it will be given.
JoinSide prepare_join_side(int input, const SchemaPtr& schema, const Flow& flow,
                           const std::vector<JoinKeyPair>& pairs, std::vector<Phase>& phases) {
  JoinSide side{PhaseInput{.index = input}, schema, {}};
  auto added = std::make_shared<std::vector<AppendKeysOperator::Added>>();
  auto fields = schema->fields();
  for (const JoinKeyPair& pair : pairs) {
    const JoinKey& key = input == 0 ? pair.left : pair.right;
    if (key.column >= 0 && key.type->Equals(*pair.type)) {
      side.keys.push_back(key.column);
      continue;
    }
    side.keys.push_back(static_cast<int>(fields.size()));
    fields.push_back(arrow::field(fmt::format("#key{}", side.keys.size()), pair.type));
    added->push_back({key, fields.back()});
  }
  if (added->empty()) return side;
  side.schema = arrow::schema(std::move(fields));
  Phase phase;
  phase.name = input == 0 ? "join.left_keys" : "join.right_keys";
  phase.inputs = {side.from};
  phase.outputs = {side.schema};
  phase.flows = {flow};
  phase.make_operator = [added,
                         hidden = hidden_columns(flow)]() -> Result<std::unique_ptr<Operator>> {
    return std::make_unique<AppendKeysOperator>(added, hidden);
  };
  side.from =
      PhaseInput{.origin = PhaseInput::Origin::phase, .index = static_cast<int>(phases.size())};
  phases.push_back(std::move(phase));
  return side;
}

/// What the spec's type gives, named by the options; only the columns that somebody needs.
Result<JoinOutput> bind_join_output(const JoinSpec& spec, const JoinSide& left_side,
                                    const SchemaPtr& left, const SchemaPtr& right,
                                    const std::vector<JoinKeyPair>& pairs, const Options& options,
                                    const PlanContext& context) {
  JoinOutput output;
  add_left_columns(output, spec, left_side, left, pairs);
  if (!spec.only_left()) {
    const std::string suffix = options.has("suffix") ? options.text("suffix") : "";
    TRY(add_right_columns(output, spec, left, right, pairs, suffix));
  }
  narrow(output, context.projection);
  return output;
}

}  // namespace

Result<PreparedJoin> prepare_join(JoinSpec& spec, const std::vector<PlanInput>& inputs,
                                  const std::array<Flow, 2>& flows,
                                  const std::vector<JoinKeyPair>& pairs, const Options& options,
                                  const PlanContext& context, std::vector<Phase>& phases) {
  const SchemaPtr& left = inputs[0].schema;
  const SchemaPtr& right = inputs[1].schema;
  PreparedJoin made{prepare_join_side(0, left, flows[0], pairs, phases),
                    prepare_join_side(1, right, flows[1], pairs, phases),
                    {}};
  spec.left_keys = made.left.keys;
  spec.right_keys = made.right.keys;
  spec.right = made.right.schema;
  made.output = TRY(bind_join_output(spec, made.left, left, right, pairs, options, context));
  spec.columns = made.output.columns;
  spec.schema = arrow::schema(made.output.fields);
  return made;
}

JoinNeeds needs_of_join(const JoinOutput& output, const std::vector<JoinKeyPair>& pairs,
                        const std::set<int>& more_left) {
  std::set<int> left_keys = more_left;
  std::set<int> right_keys;
  for (const JoinKeyPair& pair : pairs) {
    left_keys.insert(pair.left.column);
    if (pair.right.column >= 0) right_keys.insert(pair.right.column);
    if (pair.right.value) {
      right_keys.insert(pair.right.value->columns().begin(), pair.right.value->columns().end());
    }
  }
  return [from_left = output.needs_left, from_right = output.needs_right, left_keys,
          right_keys](const std::vector<int>& wanted) {
    std::set<int> left = left_keys;
    std::set<int> right = right_keys;
    for (const int column : wanted) {
      const auto index = static_cast<std::size_t>(column);
      left.insert(from_left[index].begin(), from_left[index].end());
      right.insert(from_right[index].begin(), from_right[index].end());
    }
    return std::vector<std::vector<int>>{{left.begin(), left.end()}, {right.begin(), right.end()}};
  };
}

std::string join_keys_text(const Options& options) {
  std::vector<std::string> words;
  if (options.has("using")) return fmt::format("using {}", fmt::join(options.list("using"), ", "));
  for (const NamedText& key : options.named("keys")) {
    words.push_back(fmt::format("{} = {}", key.name, key.text));
  }
  return fmt::format("on {}", fmt::join(words, ", "));
}

std::vector<Parameter> join_key_parameters() {
  return {{.name = "using",
           .type = ParameterType::columns,
           .help = "Key columns that have the same name in both inputs; each is one column of "
                   "the output. Either this or `keys`."},
          {.name = "keys",
           .type = ParameterType::expressions,
           .help = "Key columns with different names: a map from a column of the left input to a "
                   "column or expression of the right one. All columns stay in the output."}};
}

Parameter join_suffix_parameter() {
  return {.name = "suffix",
          .type = ParameterType::text,
          .help =
              "Added to the names of columns of the right input that the left one has too; "
              "needed where there are any."};
}

}  // namespace troupe
