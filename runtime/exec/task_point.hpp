#pragma once

#include "runtime/base/time.hpp"
#include "runtime/operator/source.hpp"
#include "runtime/operator/state_table.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

namespace troupe {

/// Where a task stood at a barrier, beyond what its operators know: how far its event time had
/// come, and, where it reads a source, its splits.
struct TaskPoint {
  EventTime time = EventTime::min();
  std::optional<SplitPosition> position = {};

  friend bool operator==(const TaskPoint&, const TaskPoint&) = default;
};

/// The tables that this is in a snapshot. They belong to the task; `op` of both is `state_of_task`.
///
/// The splits of a stream are numbered for ever, and a subtask has those whose number is its own
/// modulo the parallelism. So one row says how far a subtask has come: it has taken all its splits
/// before `split`, and `rows` of that one, which the source finds again by `mark`.
inline constexpr const char* state_of_task = "task";
const std::shared_ptr<const StateTable>& positions_table();
const std::shared_ptr<const StateTable>& time_table();

/// The rows of both tables, and back. `unsupported` where the positions are those of another
/// parallelism.
Batch positions_row(const SplitPosition& position, const SubtaskOf& self);
Batch time_row(EventTime time);
Result<std::optional<SplitPosition>> position_of(const std::vector<Batch>& rows,
                                                 const SubtaskOf& self);
/// The earliest of them.
EventTime time_of(const std::vector<Batch>& rows);

}  // namespace troupe
