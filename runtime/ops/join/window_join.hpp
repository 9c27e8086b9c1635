#pragma once

#include "runtime/ops/changes/rows_by_time.hpp"
#include "runtime/ops/join/join_spec.hpp"

#include <memory>

namespace troupe {

/// A join of two streams by a column of their windows. Rows that match have one event time, and
/// once the watermark has passed it they are joined as tables are: any type of join, and its rows
/// are appends of that time.
struct WindowJoinSpec {
  std::shared_ptr<const JoinSpec> join;
  SchemaPtr output;  ///< the event time included
  std::shared_ptr<const StateTable> left, right;
};

Result<std::unique_ptr<Operator>> make_window_join(std::shared_ptr<const WindowJoinSpec> spec);

}  // namespace troupe
