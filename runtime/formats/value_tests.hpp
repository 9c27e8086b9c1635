#pragma once

#include "runtime/data/schema.hpp"
#include "runtime/expr/expression.hpp"
#include "runtime/operator/value_test.hpp"

namespace troupe {

/// What bounds of `schema` ask of the single value of a column, for the columns whose values can be
/// asked alone: whole numbers, decimals, dates, timestamps and texts. A bound of another type, or
/// one whose literal does not compare, asks nothing.
ColumnTests tests_of(const std::vector<ColumnBound>& bounds, const arrow::Schema& schema);

}  // namespace troupe
