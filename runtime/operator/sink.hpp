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

/// Something that one attempt of a sink subtask has staged for an epoch: durable, invisible to
/// readers, and enough for any node to make it visible.
struct Committable {
  std::string detail;  ///< canonical bytes, the connector's own; at most `committable_bytes_max`
  std::int64_t rows = 0;
  Epoch epoch = Epoch(1);  ///< in which it was staged; set by the task

  friend bool operator==(const Committable&, const Committable&) = default;
};

inline constexpr std::size_t committable_bytes_max = 1 << 20;

/// Names the attempt that writes, and the commit that it writes for.
struct SinkContext {
  std::uint32_t subtask = 0;
  std::uint32_t parallelism = 1;
  /// Unique among all attempts of all runs, and safe in a file name.
  std::string tag;
  /// `commit` will be called with it. It names the sink, and the run or those that went on with one
  /// another (a lineage); nobody else in any cluster ever has the same.
  std::string marker;
  /// About how many bytes of rows this subtask may hold before it writes them.
  std::int64_t bytes_max = writer_bytes_usual;
  /// `clean_up` will be called with it, once no attempt of this very run can write any more. A
  /// writer stages everything below it, so that `clean_up` need not know the attempts. Empty: the
  /// marker.
  std::string staging = {};

  const std::string& staged_under() const { return staging.empty() ? marker : staging; }
};

/// Writes rows of one subtask into places that only this attempt uses. Blocks: I/O pool only.
class SinkWriter {
 public:
  virtual ~SinkWriter() = default;
  virtual Result<> write(const Batch& batch) = 0;
  /// Makes all rows since the last call durable (syncs files and directories): they belong to this
  /// epoch, or to a later one if this one is never published. A batch task calls it once, after its
  /// last row; a task of a stream at every barrier, rows or none.
  virtual Result<std::vector<Committable>> prepare(Epoch epoch) = 0;
};

/// Which commit of a sink it is. The epochs of a marker are committed one after the other, in their
/// order, and never one of them before all sinks of the run have committed the one before it.
struct SinkCommit {
  std::string marker;  ///< of the lineage and the sink (`SinkContext`)
  Epoch epoch = Epoch(1);
  Epoch previous = {};       ///< the one that was committed before; 0: this is the first one
  std::string staging = {};  ///< under which it was staged; empty: the marker

  const std::string& staged_under() const { return staging.empty() ? marker : staging; }
};

/// A place that rows go to. Immutable, shared. Readers see nothing that a writer does before
/// `commit`.
class Sink {
 public:
  virtual ~Sink() = default;
  /// Finds out, before anything runs, what a commit would be refused for, and changes nothing. A
  /// storage that is away now, or that only other nodes may see, is no mistake. Errors have the
  /// path "<parameter>". Blocks.
  virtual Result<> check() { return {}; }
  virtual Result<std::unique_ptr<SinkWriter>> open(const SinkContext& context) = 0;
  /// Makes exactly these visible, in one step if the storage can. Idempotent: after a crash it is
  /// called again with the same arguments, and recognises a commit that took effect: marker and
  /// epoch are kept with the data, in the same step. Where neither this epoch nor a later one is
  /// there, but not `previous` either, rows would be lost or doubled: `conflict`.
  virtual Result<> commit(const SinkCommit& what, const std::vector<Committable>& staged) = 0;
  /// Removes all that attempts have staged and `commit` has not made visible. Called when no
  /// attempt can still write; failures are harmless.
  virtual Result<> clean_up(const std::string& staging) = 0;
};

}  // namespace troupe
