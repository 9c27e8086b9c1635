#include "runtime/functions/conditional.hpp"

#include "runtime/functions/arrow_call.hpp"
#include "runtime/functions/comparison.hpp"

#include <arrow/array/builder_primitive.h>
#include <arrow/array/concatenate.h>
#include <arrow/array/util.h>
#include <arrow/compute/api.h>
#include <arrow/scalar.h>
#include <fmt/format.h>

#include <algorithm>
#include <numeric>

namespace troupe {

namespace {

using Rows = std::vector<std::int64_t>;

std::string key_of(std::string_view name, const std::vector<NodePtr>& inputs) {
  std::string key(name);
  for (const NodePtr& input : inputs) key += input->key() + ",";
  return key + ")";
}

std::shared_ptr<arrow::Array> row_array(const Rows& rows) {
  return std::make_shared<arrow::Int64Array>(static_cast<std::int64_t>(rows.size()),
                                             arrow::Buffer::Wrap(rows));
}

/// `values`, one for each of `rows`, at their places among `count` rows; NULL elsewhere.
Result<Vector> scatter(const Vector& values, const Rows& rows, std::int64_t count) {
  arrow::Int64Builder places;
  TRY(arrow_try(places.Reserve(count)));
  std::int64_t next = 0;
  for (std::int64_t row = 0; row < count; ++row) {
    if (next < static_cast<std::int64_t>(rows.size()) &&
        rows[static_cast<std::size_t>(next)] == row) {
      places.UnsafeAppend(values.constant ? 0 : next);
      ++next;
    } else {
      places.UnsafeAppendNull();
    }
  }
  const auto at = TRY(arrow_try(places.Finish()));
  return Vector{TRY(arrow_try(arrow::compute::Take(*values.values, *at)))};
}

/// Computes `node` for the chosen `rows` of `frame`, which may be all.
Result<Vector> evaluate_at(const ExpressionNode& node, RowFrame& frame, const Rows& rows) {
  if (static_cast<std::int64_t>(rows.size()) == frame.rows()) return node.evaluate(frame);
  const auto chosen = row_array(rows);
  RowFrame part(frame, *chosen);
  return node.evaluate(part);
}

/// The rows whose value is not `closed`: the remaining terms decide them.
Rows open_rows(const Vector& known, bool closed, std::int64_t count) {
  const ValueLane<bool> lane(known);
  Rows rows;
  for (std::int64_t row = 0; row < count; ++row) {
    if (!lane.valid(row) || lane[row] != closed) rows.push_back(row);
  }
  return rows;
}

/// Collects the results of branches and puts each row's into its place.
class Branches {
 public:
  explicit Branches(std::int64_t rows) : source_(static_cast<std::size_t>(rows), 0) {}

  void add(const Vector& values, const Rows& rows) {
    std::int64_t at = length_;
    for (const std::int64_t row : rows) {
      source_[static_cast<std::size_t>(row)] = at;
      if (!values.constant) ++at;
    }
    pieces_.push_back(values.values);
    length_ += values.values->length();
    only_ = values;
  }

  Result<Vector> finish() const {
    if (pieces_.size() == 1) {
      if (only_.constant || length_ == static_cast<std::int64_t>(source_.size())) return only_;
    }
    const auto all = TRY(arrow_try(arrow::Concatenate(pieces_)));
    return Vector{TRY(arrow_try(arrow::compute::Take(
        *all, *row_array(source_), arrow::compute::TakeOptions::NoBoundsCheck())))};
  }

 private:
  Rows source_;
  std::vector<std::shared_ptr<arrow::Array>> pieces_;
  std::int64_t length_ = 0;
  Vector only_;
};

/// Splits `rows` into those where `condition` (one value a row of `rows`) is true and the others.
void split(const Vector& condition, Rows& rows, Rows& matched) {
  const ValueLane<bool> lane(condition);
  Rows rest;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const auto at = static_cast<std::int64_t>(i);
    (lane.valid(at) && lane[at] ? matched : rest).push_back(rows[i]);
  }
  rows = std::move(rest);
}

}  // namespace

JunctionNode::JunctionNode(bool is_and, std::vector<NodePtr> terms, TextSpan span)
    : ExpressionNode(sql(SqlKind::boolean), span, key_of(is_and ? "and(" : "or(", terms), terms),
      is_and_(is_and) {
  for (const NodePtr& term : inputs()) order_.push_back(term.get());
  std::stable_partition(order_.begin(), order_.end(),
                        [](const ExpressionNode* term) { return !term->can_fail(); });
}

Result<Vector> JunctionNode::compute(RowFrame& frame) const {
  const std::string function = is_and_ ? "and_kleene" : "or_kleene";
  Vector known = TRY(order_.front()->evaluate(frame));
  for (std::size_t i = 1; i < order_.size(); ++i) {
    const ExpressionNode& term = *order_[i];
    if (!term.can_fail()) {
      const Vector value = TRY(term.evaluate(frame));
      known = TRY(call_arrow(function, {known, value}));
      continue;
    }
    const Rows open = open_rows(known, !is_and_, frame.rows());
    if (open.empty()) return known;
    Vector values = TRY(evaluate_at(term, frame, open));
    if (static_cast<std::int64_t>(open.size()) != frame.rows()) {
      values = TRY(scatter(values, open, frame.rows()));
    }
    known = TRY(call_arrow(function, {known, values}));
  }
  return known;
}

CaseNode::CaseNode(SqlType type, std::vector<NodePtr> inputs, TextSpan span)
    : ExpressionNode(std::move(type), span, key_of("case(", inputs), inputs) {}

Result<Vector> CaseNode::compute(RowFrame& frame) const {
  if (frame.rows() == 0) {
    return Vector{TRY(arrow_try(arrow::MakeEmptyArray(arrow_type(type()))))};
  }
  Branches branches(frame.rows());
  Rows rest(static_cast<std::size_t>(frame.rows()));
  std::iota(rest.begin(), rest.end(), 0);
  const std::size_t arms = inputs().size() / 2;
  for (std::size_t i = 0; i < arms && !rest.empty(); ++i) {
    const Vector condition = TRY(evaluate_at(*inputs()[2 * i], frame, rest));
    Rows matched;
    split(condition, rest, matched);
    if (matched.empty()) continue;
    branches.add(TRY(evaluate_at(*inputs()[2 * i + 1], frame, matched)), matched);
  }
  if (!rest.empty()) branches.add(TRY(evaluate_at(*inputs().back(), frame, rest)), rest);
  return branches.finish();
}

CoalesceNode::CoalesceNode(SqlType type, std::vector<NodePtr> inputs, TextSpan span)
    : ExpressionNode(std::move(type), span, key_of("coalesce(", inputs), inputs) {}

Result<Vector> CoalesceNode::compute(RowFrame& frame) const {
  Vector known = TRY(inputs().front()->evaluate(frame));
  for (std::size_t i = 1; i < inputs().size() && known.values->null_count() > 0; ++i) {
    const ExpressionNode& input = *inputs()[i];
    Rows open;
    const std::int64_t rows = known.constant ? frame.rows() : known.values->length();
    for (std::int64_t row = 0; row < rows && input.can_fail(); ++row) {
      if (known.values->IsNull(known.constant ? 0 : row)) open.push_back(row);
    }
    Vector values =
        input.can_fail() ? TRY(evaluate_at(input, frame, open)) : TRY(input.evaluate(frame));
    if (input.can_fail() && static_cast<std::int64_t>(open.size()) != frame.rows()) {
      values = TRY(scatter(values, open, frame.rows()));
    }
    known = known.constant ? values : TRY(call_arrow("coalesce", {known, values}));
  }
  return known;
}

Kernel extreme_kernel(bool greatest, const SqlType& type) {
  Kernel better = comparison_kernel(greatest ? Comparison::greater : Comparison::less, type, type);
  return [better](const std::vector<Vector>& arguments, std::int64_t rows) -> Result<Vector> {
    const Vector& a = arguments[0];
    const Vector& b = arguments[1];
    const Vector b_better = TRY(better({b, a}, rows));
    const Vector a_null = TRY(call_arrow("is_null", {a}));
    const Vector take_b = TRY(call_arrow("coalesce", {b_better, a_null}));
    return call_arrow("if_else", {take_b, b, a});
  };
}

Kernel null_if_kernel(const SqlType& a, const SqlType& b, const SqlType& result) {
  Kernel equal = comparison_kernel(Comparison::equal, a, b);
  return [equal, result](const std::vector<Vector>& arguments,
                         std::int64_t rows) -> Result<Vector> {
    const Vector same = TRY(equal({arguments[0], arguments[1]}, rows));
    const Vector nothing{TRY(arrow_try(arrow::MakeArrayOfNull(arrow_type(result), 1))), true};
    const Vector no{TRY(arrow_try(arrow::MakeArrayFromScalar(arrow::BooleanScalar(false), 1))),
                    true};
    return call_arrow("if_else", {TRY(call_arrow("coalesce", {same, no})), nothing, arguments[2]});
  };
}

}  // namespace troupe
