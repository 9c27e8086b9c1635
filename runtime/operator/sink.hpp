#pragma once

#include "runtime/base/ids.hpp"
#include "runtime/base/result.hpp"
#include "runtime/data/batch.hpp"
#include "runtime/data/memory_budget.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace troupe {

/// What one attempt of a sink subtask has staged for an epoch: durable, invisible to readers, and
/// enough for any node to make it visible.
struct Committable {
  std::string detail;  ///< canonical bytes, the connector's own; at most `committable_bytes_max`
  std::int64_t rows = 0;

  friend bool operator==(const Committable&, const Committable&) = default;
};

inline constexpr std::size_t committable_bytes_max = 1 << 20;

/// Which attempt writes, and for which commit.
struct SinkContext {
  std::uint32_t subtask = 0;
  std::uint32_t parallelism = 1;
  /// Unique among all attempts of all runs, and safe in a file name.
  std::string tag;
  /// What `commit` and `clean_up` will be called with; names run, sink and epoch, never used twice.
  /// Whatever is staged is kept below it, so that `clean_up` finds it without knowing the attempts.
  std::string marker;
  /// What this subtask may hold of rows that are not written yet, about.
  std::int64_t bytes_max = writer_bytes_usual;
};

/// Writes rows of one subtask into places that only this attempt uses. Blocks: I/O pool only.
class SinkWriter {
 public:
  virtual ~SinkWriter() = default;
  virtual Result<> write(const Batch& batch) = 0;
  /// All rows so far are durable (files and directories synced) when this returns. A batch task
  /// calls it once, after its last row.
  virtual Result<std::vector<Committable>> prepare() = 0;
};

/// Where rows go. Immutable, shared. Nothing a writer does is seen by a reader before `commit`.
class Sink {
 public:
  virtual ~Sink() = default;
  virtual Result<std::unique_ptr<SinkWriter>> open(const SinkContext& context) = 0;
  /// Makes exactly these visible, as one step where the storage can. Idempotent: after a crash it
  /// is called again with the same arguments, and a commit that took effect is recognised
  /// (`marker` names the run, the sink and the epoch, and is kept with the data).
  virtual Result<> commit(const std::string& marker, const std::vector<Committable>& staged) = 0;
  /// Removes what attempts have staged, except what `commit` made visible. Called when no attempt
  /// can still write; failures are harmless.
  virtual Result<> clean_up(const std::string& marker) = 0;
};

}  // namespace troupe
