#pragma once

#include "runtime/base/result.hpp"
#include "runtime/operator/batch_reader.hpp"

#include <memory>
#include <string>
#include <vector>

namespace troupe {

/// A part of a source that one subtask reads: some row groups of a file, a range of bytes.
/// Self-contained: any node that sees the storage can open it, and gets the same rows each time.
struct Split {
  std::string detail;      ///< canonical JSON, the connector's own
  std::int64_t bytes = 0;  ///< for balancing
  std::int64_t rows = -1;  ///< -1: not known

  friend bool operator==(const Split&, const Split&) = default;
};

/// A place that rows come from. Immutable, shared by the subtasks of a node.
class Source {
 public:
  virtual ~Source() = default;
  /// All splits, in a stable order; at least `wanted` if the data allows. The coordinator calls it
  /// once a run; blocks.
  virtual Result<std::vector<Split>> splits(std::uint32_t wanted) = 0;
  virtual Result<std::unique_ptr<BatchReader>> open(const Split& split) = 0;
};

}  // namespace troupe
