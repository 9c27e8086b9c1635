#pragma once

#include "runtime/base/fields.hpp"
#include "runtime/base/time.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace troupe {

/// Counters of a task while it runs, for people: nothing is decided by them. One more counter
/// is a field here and in `schemas/job.capnp`, the place that counts it (`runtime/exec`), and the
/// one that shows it.

/// The work of one vertex inside one task so far.
struct VertexCounters {
  std::string vertex;
  std::uint64_t rows_in = 0;
  std::uint64_t rows_out = 0;
  std::uint64_t bytes_in = 0;  ///< of the buffers behind those rows, in memory
  std::uint64_t bytes_out = 0;
  Duration busy = {};
  std::vector<std::string> notes = {};  ///< for people; complete when its reading has ended
  std::uint64_t rows_late = 0;  ///< that came when their windows were closed, and were dropped

  static constexpr auto fields() {
    return std::tuple{field("vertex", &VertexCounters::vertex),
                      field("rows_in", &VertexCounters::rows_in),
                      field("rows_out", &VertexCounters::rows_out),
                      field("bytes_in", &VertexCounters::bytes_in),
                      field("bytes_out", &VertexCounters::bytes_out),
                      field("busy", &VertexCounters::busy),
                      field("notes", &VertexCounters::notes),
                      field("rows_late", &VertexCounters::rows_late)};
  }
  friend bool operator==(const VertexCounters&, const VertexCounters&) = default;
};

/// The work of one task so far.
struct TaskCounters {
  std::vector<VertexCounters> vertices;  ///< in order of the chain
  Duration busy = {};                    ///< on a worker or the I/O pool
  Duration blocked = {};                 ///< waiting for room behind it, or for a disk
  Duration idle = {};                    ///< waiting for input
  std::uint32_t queue_percent = 0;       ///< fill of the fullest input queue
  std::int64_t watermark = 0;            ///< its event time, microseconds since 1970; 0: none
  std::int64_t state_bytes = 0;          ///< of the files that it would be restored from

  static constexpr auto fields() {
    return std::tuple{field("vertices", &TaskCounters::vertices),
                      field("busy", &TaskCounters::busy),
                      field("blocked", &TaskCounters::blocked),
                      field("idle", &TaskCounters::idle),
                      field("queue_percent", &TaskCounters::queue_percent),
                      field("watermark", &TaskCounters::watermark),
                      field("state_bytes", &TaskCounters::state_bytes)};
  }
  friend bool operator==(const TaskCounters&, const TaskCounters&) = default;
};

}  // namespace troupe
