#pragma once

#include "runtime/base/result.hpp"
#include "runtime/operator/batch_reader.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <variant>
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

/// Which of how many subtasks it is.
struct SubtaskOf {
  std::uint32_t subtask = 0;
  std::uint32_t parallelism = 1;
};

/// The splits of one subtask of a stream that nobody can list beforehand: of one that never ends,
/// or of files that are still to come. They are numbered for ever: subtask i of n has i, i + n, i +
/// 2n, and so on, and reads one after the other. Used by one thread at a time; blocks.
class SplitSequence {
 public:
  /// There is none yet; it is asked again after so long.
  struct NotYet {
    Duration pause;
  };
  struct NoMore {};
  using Next = std::variant<Split, NotYet, NoMore>;

  virtual ~SplitSequence() = default;
  virtual Result<Next> next() = 0;
  /// What `Source::sequence` must be told to go on with the split that was given last, or, where
  /// that was taken, with the one behind it. Short: it is written with every position.
  virtual std::string mark() const { return {}; }
};

/// A place that rows come from. Immutable, shared by the subtasks of a node.
class Source {
 public:
  virtual ~Source() = default;
  /// All splits, in a stable order; at least `wanted` if the data allows. The coordinator calls it
  /// once a run; blocks.
  virtual Result<std::vector<Split>> splits(std::uint32_t wanted) = 0;
  virtual Result<std::unique_ptr<BatchReader>> open(const Split& split) = 0;
  /// Of a stream: the splits of a subtask from a position on, instead of `splits`; null where that
  /// lists them. Does not block.
  virtual std::unique_ptr<SplitSequence> sequence(const SubtaskOf& /*self*/,
                                                  const SplitPosition& /*from*/) {
    return nullptr;
  }
};

}  // namespace troupe
