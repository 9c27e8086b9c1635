#include "runtime/expr/expression_set.hpp"

#include "runtime/expr/bound.hpp"

namespace troupe {

ExpressionSet::ExpressionSet(std::vector<Expression> expressions)
    : expressions_(std::move(expressions)), common_([this] {
        std::vector<const ExpressionNode*> roots;
        for (const Expression& one : expressions_)
          roots.push_back(&Expression::Bound::root_of(one));
        return std::make_unique<const CommonNodes>(roots);
      }()) {}

ExpressionSet::~ExpressionSet() = default;

ExpressionSet::Values::Values(const ExpressionSet& set, const Batch& batch)
    : batch_(batch), frame_(std::make_unique<RowFrame>(batch, set.common_.get())) {}

ExpressionSet::Values::~Values() = default;

Result<std::shared_ptr<arrow::Array>> ExpressionSet::Values::of(const Expression& expression) {
  return Expression::Bound::of(expression).evaluate(batch_, *frame_);
}

}  // namespace troupe
