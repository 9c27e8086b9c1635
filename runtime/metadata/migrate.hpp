#pragma once

#include "runtime/base/ids.hpp"
#include "runtime/db/sqlite.hpp"
#include "runtime/graph/task_graph.hpp"

#include <cstdint>
#include <functional>
#include <string>

namespace troupe {

/// How many tasks a plan makes for a target; 0 if it cannot be planned any more. Needed to bring
/// metadata up to date in which runs do not carry their counts yet.
using CountTasks = std::function<std::uint32_t(const std::string& plan, const PlanTarget& target)>;

/// Makes the tables, or brings those of an earlier troupe up to date, in one transaction. New
/// tables belong to `cluster`. Tables of a later troupe are `unsupported`.
Result<> migrate(SqliteDatabase& database, const ClusterName& cluster,
                 const CountTasks& count_tasks);

}  // namespace troupe
