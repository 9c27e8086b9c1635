#pragma once

#include "runtime/operator/operator_kind.hpp"
#include "runtime/ops/sort/sort_key.hpp"

#include <optional>
#include <set>
#include <string>
#include <vector>

namespace troupe {

/// Binds ORDER BY terms. Errors have the path "<parameter>.<index>"; terms of a type without an
/// order are refused.
Result<std::vector<OrderTerm>> bind_order_terms(const std::vector<std::string>& texts,
                                                const SchemaPtr& schema,
                                                const std::string& parameter);

/// The columns that the terms read.
std::set<int> columns_read(const std::vector<OrderTerm>& terms);

/// The phases that put the rows of input 0 in order: all of them, or the first `limit`. Read in the
/// order of the last phase's subtasks, they are in order; with a limit there is only one.
std::vector<Phase> sort_phases(std::vector<OrderTerm> terms, std::optional<std::int64_t> limit,
                               const PlanInput& input, const PlanContext& context);

}  // namespace troupe
