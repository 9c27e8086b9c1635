#pragma once

#include "runtime/expr/expression.hpp"

namespace troupe {

class CommonNodes;
class RowFrame;

/// Expressions that are bound to one schema and evaluated together. Immutable, shared.
class ExpressionSet {
 public:
  explicit ExpressionSet(std::vector<Expression> expressions);
  ~ExpressionSet();

  /// Values of the expressions for one batch. Computes common parts of the expressions once. Lives
  /// on the stack; the set and the batch outlive it.
  class Values {
   public:
    Values(const ExpressionSet& set, const Batch& batch);
    Values(const ExpressionSet& set, Batch&& batch) = delete;  ///< it refers to it
    ~Values();
    /// As `Expression::evaluate`, of an expression of the set or a copy of it.
    Result<std::shared_ptr<arrow::Array>> of(const Expression& expression);

   private:
    const Batch& batch_;
    std::unique_ptr<RowFrame> frame_;
  };

 private:
  const std::vector<Expression> expressions_;  ///< keeps the nodes
  const std::unique_ptr<const CommonNodes> common_;
};

}  // namespace troupe
