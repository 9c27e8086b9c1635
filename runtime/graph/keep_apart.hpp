#pragma once

#include "runtime/graph/task_graph.hpp"

namespace troupe {

/// Keeps more edges on disk, where stages would run together although one must wait for the other.
///
///     flights --> counts (1) ..kept..> counts (2) --> union
///           `------------------------------------------^
///
/// Stages that are joined by pipelined edges run together; who reads a kept edge runs when its
/// producers have ended. Here `flights`, the union and `counts` would be one region that waits for
/// itself, so the rows from `flights` to the union are kept, too: of the edges of such a circle,
/// one whose consumer comes after more kept edges than its producer. There always is one, and when
/// no circle is left, the regions have an order.
void keep_apart(TaskGraph& graph);

}  // namespace troupe
