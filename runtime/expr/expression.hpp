#pragma once

#include "runtime/base/result.hpp"
#include "runtime/data/batch.hpp"
#include "runtime/data/schema.hpp"
#include "runtime/values/comparison_kind.hpp"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace arrow {
struct Scalar;
}

namespace troupe {

/// `column <op> literal`. A reader skips row groups by it and by their statistics.
struct ColumnBound {
  int column = 0;
  Comparison comparison = Comparison::equal;
  std::shared_ptr<arrow::Scalar> literal;
};

/// One SQL scalar expression, bound to a schema: PostgreSQL's grammar (libpg_query), typing and
/// null semantics, evaluated on whole batches.
///
/// Bound once at validation, then immutable and shared by all subtasks. `bind` finds every mistake
/// that does not depend on values: syntax, unknown columns and functions, type clashes, each with
/// its place in the text (`Error::span`) and the nearest right name as hint. Mistakes in values
/// (division by zero, overflow, a string that is no date) are `invalid_argument` of `evaluate`.
class Expression {
 public:
  /// Binds `text` to the columns of `schema`.
  static Result<Expression> bind(std::string_view text, const SchemaPtr& schema);
  /// As `bind`, and the result must be boolean: a WHERE clause.
  static Result<Expression> bind_predicate(std::string_view text, const SchemaPtr& schema);

  const std::shared_ptr<arrow::DataType>& type() const;
  /// The columns it reads, as indices into the schema it was bound to; sorted, each once.
  const std::vector<int>& columns() const;
  /// The column, if the expression is nothing but a column; else -1.
  int as_column() const;
  /// The name PostgreSQL would give the result column: the column's, the function's, or "?column?".
  const std::string& name() const;
  const std::string& text() const;

  /// One value per row. The batch has the columns it was bound to, and perhaps hidden ones behind
  /// them that it does not see. Strings may be dictionary-encoded; so may the result, if the
  /// expression is a plain column.
  Result<std::shared_ptr<arrow::Array>> evaluate(const Batch& batch) const;
  /// The rows for which this predicate is true (neither false nor null).
  Result<Batch> filter(const Batch& batch) const;
  /// Terms of the top-level conjunction that are `column <op> literal`: each holds for every row
  /// for which the predicate is true.
  std::vector<ColumnBound> bounds() const;

  struct Bound;

 private:
  explicit Expression(std::shared_ptr<const Bound> bound) : bound_(std::move(bound)) {}

  std::shared_ptr<const Bound> bound_;
};

}  // namespace troupe
