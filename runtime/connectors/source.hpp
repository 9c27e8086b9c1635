#pragma once

#include "runtime/base/result.hpp"
#include "runtime/formats/batch_io.hpp"

#include <memory>
#include <string>
#include <vector>

namespace troupe {

class OperatorRegistry;

/// A part of a source that one subtask reads: some row groups of a file, a range of bytes.
/// Self-contained: any node that sees the storage can open it, and gets the same rows each time.
struct Split {
  std::string detail;      ///< canonical JSON, the connector's own
  std::int64_t bytes = 0;  ///< for balancing
  std::int64_t rows = -1;  ///< where known; else -1

  friend bool operator==(const Split&, const Split&) = default;
};

/// Reads one split, batch by batch. Used by one thread at a time. Blocks: I/O pool only.
class SplitReader {
 public:
  virtual ~SplitReader() = default;
  /// The next rows; an empty batch (`!batch`) at the end.
  virtual Result<Batch> next() = 0;
  /// So far.
  virtual SkippedRows skipped() const { return {}; }
};

/// Where rows come from. Immutable, shared by the subtasks of a node.
class Source {
 public:
  virtual ~Source() = default;
  /// All splits, in a stable order; at least `wanted` where the data allows. Called once a run,
  /// by the coordinator; blocks.
  virtual Result<std::vector<Split>> splits(std::uint32_t wanted) = 0;
  virtual Result<std::unique_ptr<SplitReader>> open(const Split& split) = 0;
};

/// Adds every connector of `runtime/connectors` (generated from the room's list).
void register_connectors(OperatorRegistry& registry);

}  // namespace troupe
