#pragma once

#include "runtime/expr/binder.hpp"
#include "runtime/expr/expression.hpp"

#include <arrow/type.h>

namespace troupe {

/// The part of an Expression that its copies share.
struct Expression::Bound {
  std::string text;
  std::string name;
  NodePtr root;
  std::shared_ptr<arrow::DataType> type;
  int column = -1;  ///< set if the root is nothing but this column
  std::vector<std::shared_ptr<arrow::Field>> schema;

  /// A bound tree as an expression; a literal of unknown type becomes text.
  static Result<Expression> make(std::string text, std::string name, NodePtr root,
                                 const arrow::Schema& schema);
  static const Bound& of(const Expression& expression) { return *expression.bound_; }
  static const ExpressionNode& root_of(const Expression& expression) {
    return *expression.bound_->root;
  }
  /// `frame` is of this batch.
  Result<std::shared_ptr<arrow::Array>> evaluate(const Batch& batch, RowFrame& frame) const;
};

}  // namespace troupe
