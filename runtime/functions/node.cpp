#include "runtime/functions/node.hpp"

#include <arrow/array/concatenate.h>
#include <arrow/array/util.h>
#include <arrow/compute/api.h>
#include <arrow/record_batch.h>
#include <arrow/scalar.h>
#include <fmt/format.h>

#include <algorithm>

namespace troupe {

namespace {

std::string call_key(std::string_view name, const SqlType& type,
                     const std::vector<NodePtr>& arguments) {
  std::string key =
      fmt::format("{}:{}.{}.{}(", name, static_cast<int>(type.kind), type.precision, type.scale);
  for (const NodePtr& argument : arguments) key += argument->key() + ",";
  return key + ")";
}

std::string constant_key(const arrow::Array& value) {
  return fmt::format("'{}'{}", value.ToString(), value.type()->ToString());
}

Result<std::shared_ptr<arrow::Array>> take(const std::shared_ptr<arrow::Array>& values,
                                           const arrow::Array& rows) {
  return arrow_try(
      arrow::compute::Take(*values, rows, arrow::compute::TakeOptions::NoBoundsCheck()));
}

/// Moments in nanoseconds as the microseconds they are in, those before 1970 too.
Result<std::shared_ptr<arrow::Array>> floored(const arrow::Array& values,
                                              const std::shared_ptr<arrow::DataType>& type) {
  const auto* nanos = values.data()->GetValues<std::int64_t>(1);
  ValueOutput<std::int64_t> micros;
  TRY(micros.reserve(values.length()));
  for (std::int64_t row = 0; row < values.length(); ++row) {
    if (values.IsNull(row)) {
      TRY(micros.set_null(row));
    } else {
      micros.data()[row] = nanos[row] / 1000 - (nanos[row] % 1000 < 0 ? 1 : 0);
    }
  }
  return micros.finish(type);
}

bool is_of_nanos(const arrow::DataType& type) {
  return type.id() == arrow::Type::TIMESTAMP &&
         static_cast<const arrow::TimestampType&>(type).unit() == arrow::TimeUnit::NANO;
}

Result<std::shared_ptr<arrow::Array>> cast_array(const std::shared_ptr<arrow::Array>& values,
                                                 const std::shared_ptr<arrow::DataType>& type) {
  if (is_of_nanos(*values->type()) && type->id() == arrow::Type::TIMESTAMP) {
    return floored(*values, type);
  }
  arrow::compute::CastOptions options = arrow::compute::CastOptions::Safe();
  options.allow_time_truncate = true;
  if (values->type_id() == arrow::Type::DICTIONARY) {
    const auto& encoded = static_cast<const arrow::DictionaryArray&>(*values);
    const auto words = TRY(cast_array(encoded.dictionary(), type));
    return take(words, *encoded.indices());
  }
  return arrow_try(arrow::compute::Cast(*values, type, options));
}

}  // namespace

RowFrame::RowFrame(const Batch& batch, const CommonNodes* common)
    : rows_(batch.rows()),
      raw_(batch.columns()->columns()),
      values_(static_cast<std::size_t>(batch.columns()->num_columns())),
      common_(common),
      kept_(common ? common->size() : 0) {}

RowFrame::RowFrame(RowFrame& parent, const arrow::Array& rows)
    : parent_(&parent),
      chosen_(&rows),
      rows_(rows.length()),
      raw_(parent.raw_.size()),
      values_(parent.raw_.size()) {}

RowFrame::RowFrame(int index, std::shared_ptr<arrow::Array> values)
    : rows_(values->length()),
      raw_(static_cast<std::size_t>(index) + 1),
      values_(static_cast<std::size_t>(index) + 1) {
  raw_[static_cast<std::size_t>(index)] = std::move(values);
}

Result<std::shared_ptr<arrow::Array>> RowFrame::raw(int index) {
  ENSURE(index >= 0 && static_cast<std::size_t>(index) < raw_.size(),
         "a batch of {} columns has no column {}", raw_.size(), index);
  std::shared_ptr<arrow::Array>& known = raw_[static_cast<std::size_t>(index)];
  if (!known && parent_) known = TRY(take(TRY(parent_->raw(index)), *chosen_));
  return known;
}

Result<std::shared_ptr<arrow::Array>> RowFrame::values(int index, const SqlType& type) {
  std::shared_ptr<arrow::Array> array = TRY(raw(index));
  std::shared_ptr<arrow::Array>& known = values_[static_cast<std::size_t>(index)];
  if (known) return known;
  const std::shared_ptr<arrow::DataType> wanted = arrow_type(type);
  if (!array->type()->Equals(*wanted) && type.kind != SqlKind::opaque) {
    array = TRY(cast_array(array, wanted));
  }
  known = array;
  return known;
}

Vector* RowFrame::kept(const ExpressionNode& node) {
  const auto number = common_ ? common_->number_of(node) : std::nullopt;
  return number ? &kept_[*number] : nullptr;
}

CommonNodes::CommonNodes(const std::vector<const ExpressionNode*>& roots) {
  std::unordered_map<std::string_view, std::vector<const ExpressionNode*>> by_key;
  std::vector<const ExpressionNode*> todo = roots;
  while (!todo.empty()) {
    const ExpressionNode* node = todo.back();
    todo.pop_back();
    if (node->inputs().empty()) continue;  // a column is there, a constant costs nothing
    by_key[node->key()].push_back(node);
    for (const NodePtr& input : node->inputs()) todo.push_back(input.get());
  }
  for (const auto& [key, nodes] : by_key) {
    if (nodes.size() == 1) continue;
    for (const ExpressionNode* node : nodes) numbers_.emplace(node, size_);
    ++size_;
  }
}

std::optional<std::size_t> CommonNodes::number_of(const ExpressionNode& node) const {
  const auto found = numbers_.find(&node);
  if (found == numbers_.end()) return std::nullopt;
  return found->second;
}

ExpressionNode::ExpressionNode(SqlType type, TextSpan span, std::string key,
                               std::vector<NodePtr> inputs)
    : type_(std::move(type)), span_(span), key_(std::move(key)), inputs_(std::move(inputs)) {
  for (const NodePtr& input : inputs_) {
    columns_.insert(columns_.end(), input->columns_.begin(), input->columns_.end());
    can_fail_ = can_fail_ || input->can_fail_;
  }
  std::sort(columns_.begin(), columns_.end());
  columns_.erase(std::unique(columns_.begin(), columns_.end()), columns_.end());
}

Result<Vector> ExpressionNode::evaluate(RowFrame& frame) const {
  Vector* kept = frame.kept(*this);
  if (kept == nullptr) return evaluate_anew(frame);
  if (!kept->values) *kept = TRY(evaluate_anew(frame));
  return *kept;
}

Result<Vector> ExpressionNode::evaluate_anew(RowFrame& frame) const {
  if (columns_.size() == 1 && !inputs_.empty()) {
    const std::shared_ptr<arrow::Array> column = TRY(frame.raw(columns_.front()));
    if (column->type_id() == arrow::Type::DICTIONARY) {
      const auto& encoded = static_cast<const arrow::DictionaryArray&>(*column);
      if (encoded.dictionary()->length() < frame.rows()) {
        Result<Vector> values = by_dictionary(*column);
        // A word that no row uses may fail although no row does: then compute row by row.
        if (values || !can_fail_) return values;
      }
    }
  }
  return compute(frame);
}

Result<Vector> ExpressionNode::by_dictionary(const arrow::Array& column) const {
  const auto& encoded = static_cast<const arrow::DictionaryArray&>(column);
  std::shared_ptr<arrow::Array> words = encoded.dictionary();
  std::shared_ptr<arrow::Array> indices = encoded.indices();
  if (indices->null_count() > 0) {
    const auto null_word = TRY(arrow_try(arrow::MakeArrayOfNull(words->type(), 1)));
    const auto at = TRY(arrow_try(arrow::MakeScalar(indices->type(), words->length())));
    words = TRY(arrow_try(arrow::Concatenate({words, null_word})));
    indices = TRY(arrow_try(arrow::compute::CallFunction("coalesce", {indices, at}))).make_array();
  }
  RowFrame of_words(columns_.front(), words);
  const Vector values = TRY(compute(of_words));
  if (values.constant) return values;
  return Vector{TRY(take(values.values, *indices))};
}

ColumnNode::ColumnNode(int index, SqlType type, TextSpan span)
    : ExpressionNode(std::move(type), span, fmt::format("#{}", index), {}), index_(index) {
  columns_ = {index};
}

Result<Vector> ColumnNode::compute(RowFrame& frame) const {
  return Vector{TRY(frame.values(index_, type()))};
}

ConstantNode::ConstantNode(std::shared_ptr<arrow::Array> value, SqlType type, TextSpan span)
    : ExpressionNode(std::move(type), span, constant_key(*value), {}), value_(std::move(value)) {}

bool ConstantNode::is_null() const { return value_->IsNull(0); }

Result<Vector> ConstantNode::compute(RowFrame&) const { return Vector{value_, true}; }

CallNode::CallNode(std::string name, SqlType type, std::vector<NodePtr> arguments, Kernel kernel,
                   bool can_fail, TextSpan span)
    : ExpressionNode(type, span, call_key(name, type, arguments), arguments),
      name_(std::move(name)),
      kernel_(std::move(kernel)) {
  can_fail_ = can_fail_ || can_fail;
}

Result<Vector> CallNode::compute(RowFrame& frame) const {
  if (frame.rows() == 0) {
    return Vector{TRY(arrow_try(arrow::MakeEmptyArray(arrow_type(type()))))};
  }
  std::vector<Vector> arguments;
  arguments.reserve(inputs().size());
  bool constant = true;
  for (const NodePtr& input : inputs()) {
    arguments.push_back(TRY(input->evaluate(frame)));
    constant = constant && arguments.back().constant;
  }
  Result<Vector> value = kernel_(arguments, constant ? 1 : frame.rows());
  if (!value) {
    Error error = std::move(value).error();
    if (!error.span) error.span = span();
    return error;
  }
  value->constant = constant;
  return value;
}

NodePtr make_call(std::string name, SqlType type, std::vector<NodePtr> arguments, Kernel kernel,
                  bool can_fail, TextSpan span) {
  const bool constant = std::all_of(arguments.begin(), arguments.end(),
                                    [](const NodePtr& node) { return as_constant(node); });
  auto call = std::make_shared<CallNode>(std::move(name), type, std::move(arguments),
                                         std::move(kernel), can_fail, span);
  if (!constant) return call;
  RowFrame one_row(0, std::make_shared<arrow::NullArray>(1));
  Result<Vector> value = call->evaluate(one_row);
  // A constant that fails is left to `evaluate`: perhaps no row needs it.
  if (!value) return call;
  return std::make_shared<ConstantNode>(value->values, type, span);
}

const ConstantNode* as_constant(const NodePtr& node) {
  return dynamic_cast<const ConstantNode*>(node.get());
}

NodePtr null_constant(const SqlType& type, TextSpan span) {
  auto value = arrow::MakeArrayOfNull(arrow_type(type), 1).ValueOrDie();
  return std::make_shared<ConstantNode>(std::move(value), type, span);
}

Result<std::shared_ptr<arrow::Array>> spread(const Vector& vector, std::int64_t rows) {
  if (!vector.constant) return vector.values;
  const auto value = TRY(arrow_try(vector.values->GetScalar(0)));
  return arrow_try(arrow::MakeArrayFromScalar(*value, rows));
}

}  // namespace troupe
