#pragma once

#include "runtime/functions/node.hpp"

namespace troupe {

// The nodes that decide which of their inputs a row needs. An input that could fail is computed
// for the rows that need it and for no other, so `CASE WHEN b <> 0 THEN a / b END` never divides
// by zero.

/// AND or OR of two or more booleans, three-valued. Computes terms that cannot fail first, whatever
/// their order: `a / b > 1 AND b <> 0` is as safe as the other way round.
class JunctionNode : public ExpressionNode {
 public:
  JunctionNode(bool is_and, std::vector<NodePtr> terms, TextSpan span);
  bool is_and() const { return is_and_; }

 protected:
  Result<Vector> compute(RowFrame& frame) const override;

 private:
  Result<Vector> term_where_open(RowFrame& frame, const NodePtr& term, const Vector& known) const;

  bool is_and_;
  std::vector<const ExpressionNode*> order_;
};

/// CASE WHEN c1 THEN r1 ... ELSE r END: inputs are c1, r1, c2, r2, ..., r; results of one type.
class CaseNode : public ExpressionNode {
 public:
  CaseNode(SqlType type, std::vector<NodePtr> inputs, TextSpan span);

 protected:
  Result<Vector> compute(RowFrame& frame) const override;
};

/// The first input that is not NULL; inputs of one type.
class CoalesceNode : public ExpressionNode {
 public:
  CoalesceNode(SqlType type, std::vector<NodePtr> inputs, TextSpan span);

 protected:
  Result<Vector> compute(RowFrame& frame) const override;
};

/// GREATEST or LEAST of two values of one type: NULL only if both are.
Kernel extreme_kernel(bool greatest, const SqlType& type);
/// The third argument, of type `result`, or NULL if the first two are equal.
Kernel null_if_kernel(const SqlType& a, const SqlType& b, const SqlType& result);

}  // namespace troupe
