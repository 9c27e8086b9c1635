#pragma once

#include "runtime/base/ids.hpp"
#include "runtime/db/sqlite.hpp"
#include "runtime/graph/task_graph.hpp"

#include <cstdint>
#include <functional>
#include <string>

namespace troupe {

/// How many tasks a plan makes for a target; 0 where it cannot be planned any more. Asked where
/// metadata that was written before runs carried their counts is brought up to date.
using CountTasks = std::function<std::uint32_t(const std::string& plan, const PlanTarget& target)>;

/// Makes the tables, or brings those of an earlier troupe up to date, in one transaction. New ones
/// belong to `cluster`. Those of a later troupe are `unsupported`.
Result<> migrate(SqliteDatabase& database, const ClusterName& cluster,
                 const CountTasks& count_tasks);

}  // namespace troupe
