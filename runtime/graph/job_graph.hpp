#pragma once

#include "runtime/base/enums.hpp"
#include "runtime/base/ids.hpp"
#include "runtime/base/json_fwd.hpp"
#include "runtime/base/result.hpp"
#include "runtime/base/time.hpp"
#include "runtime/data/schema.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace troupe {

/// An input of a vertex: the output of another one.
struct JobInput {
  std::string from;       ///< the producer's id
  std::string port = {};  ///< the name of one of its outputs; empty: the first one

  friend bool operator==(const JobInput&, const JobInput&) = default;
};

/// When the rows of a source happened.
struct TimeSettings {
  std::string value;  ///< SQL over the source's columns: a timestamp
  /// Rows may be earlier than the latest one so far by this much; nobody waits for later ones.
  Duration max_out_of_order{0};
  /// A subtask of the source that has no rows for so long holds nobody's time back.
  std::optional<Duration> idle_after = {};
};

/// One operator of a job. The id that its author gave it names it everywhere: in the plan, metric
/// labels, log fields, state.
struct JobVertex {
  std::string id;
  std::string op;                    ///< "aggregate"
  std::shared_ptr<const Json> with;  ///< as written, but with the job's parameters filled in
  std::vector<JobInput> inputs;
  std::optional<std::uint32_t> parallelism = {};
  std::optional<TimeSettings> event_time = {};  ///< of a source
  /// Filled in by `bind`: the schema that a source found; the columns of the output that somebody
  /// needs, where the operator leaves out the others; what must hold of a source's rows.
  SchemaPtr resolved = {};
  std::optional<std::vector<std::string>> projection = {};
  std::string predicate = {};
};

/// How a run reacts to failures of its tasks.
struct RestartSettings {
  std::uint32_t attempts = 10;  ///< within `window`; one more fails the run
  Duration window = 10min;
  Duration initial_delay = 200ms;
  Duration max_delay = 30s;
};

/// How a streaming run takes its checkpoints. At each one, what its sinks have staged becomes
/// visible; from the last one its tasks go on after a failure.
struct CheckpointSettings {
  Duration every = 1s;
  Duration timeout = 1min;     ///< one that takes longer is given up
  std::uint32_t keep = 3;      ///< so many of the last ones can be gone back to
  std::string directory = {};  ///< of its files, which all nodes see; empty: nodes have their own
  /// None is published with its state on fewer disks than this, 1 or 2. It is on two wherever two
  /// nodes take work.
  std::uint32_t copies_min = 1;

  friend bool operator==(const CheckpointSettings&, const CheckpointSettings&) = default;
};

/// In a streaming job a source with event time is a stream, and any other one a table.
enum class JobMode { batch, streaming };
const char* to_string(JobMode mode);
template <>
struct EnumOf<JobMode> {
  static constexpr auto last = JobMode::streaming, unknown = JobMode::batch;
  static constexpr const char* noun = "mode of a job";
};

struct JobSettings {
  JobMode mode = JobMode::batch;
  std::optional<std::uint32_t> parallelism = {};  ///< default: the slots of the cluster
  RestartSettings restart = {};
  CheckpointSettings checkpoint = {};                 ///< of a streaming job
  std::int64_t memory_bytes = std::int64_t{4} << 30;  ///< of one run on one node
};

/// A job as a graph of named operators. A descriptor or a `GraphBuilder` makes it; it is hashed,
/// stored and sent. It has no cycles, every input exists, ids are unique: `check` sees to that.
struct JobGraph {
  JobName name;
  JobSettings settings;
  std::vector<JobVertex> vertices;  ///< producers before consumers

  const JobVertex* find(const std::string& id) const;
};

/// The canonical form: Cap'n Proto, vertices in order, JSON with sorted keys. Equal graphs have
/// equal bytes, whether they came from YAML or from C++.
std::string encode_plan(const JobGraph& graph);
/// The bytes may come from anywhere; an error if they are no plan.
Result<JobGraph> decode_plan(std::string_view bytes);
/// Hex of a 128-bit hash of `encode_plan`; names a version of a job.
std::string plan_hash(const JobGraph& graph);

}  // namespace troupe
