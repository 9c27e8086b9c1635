#pragma once

#include "runtime/functions/node.hpp"
#include "runtime/values/comparison_kind.hpp"

namespace troupe {

/// The comparison that an operator's name means ("=", "<>", "<", ...), and back.
std::optional<Comparison> comparison_of(std::string_view name);
const char* to_string(Comparison comparison);
/// The same with its sides exchanged: a < b is b > a.
Comparison mirrored(Comparison comparison);

/// Whether `a <comparison> b`, given an order that is negative, zero or positive as a is less than,
/// equal to or greater than b.
bool holds(Comparison comparison, int order);

/// `a <comparison> b` for values of one common type (numerics of any scale). Floats are ordered as
/// PostgreSQL orders them: NaN equals NaN and is larger than any number. Text compares by bytes.
Kernel comparison_kernel(Comparison comparison, const SqlType& a, const SqlType& b);

/// IS [NOT] DISTINCT FROM: never NULL.
Kernel distinct_kernel(bool is_distinct, const SqlType& a, const SqlType& b);

/// `value IN (set)`, by hash; the set is an array of constants of the value's type. NULL if the
/// value is NULL; and NULL instead of false if the set has a NULL.
Kernel set_kernel(std::shared_ptr<arrow::Array> set);

}  // namespace troupe
