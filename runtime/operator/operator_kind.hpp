#pragma once

#include "runtime/operator/flow.hpp"
#include "runtime/operator/operator.hpp"
#include "runtime/operator/options.hpp"
#include "runtime/operator/sink.hpp"
#include "runtime/operator/source.hpp"
#include "runtime/operator/state_table.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace troupe {

/// The way of rows from the subtasks of one phase to those of the next.
enum class ExchangeKind {
  forward,    ///< subtask i to subtask i: no exchange, so the phases can be fused
  hash,       ///< by the key group of the key columns
  range,      ///< the producer decides (`Emitter::emit_to`)
  broadcast,  ///< every row to every subtask
  rebalance,  ///< whole batches, round robin
  gather,     ///< everything to the only subtask; channels stay apart, in producer order
};

const char* to_string(ExchangeKind kind);

/// One input of a phase.
struct PhaseInput {
  /// The operator's own input `index`, or an earlier phase of the same operator.
  enum class Origin { input, phase };
  Origin origin = Origin::input;
  int index = 0;
  int port = 0;
  ExchangeKind exchange = ExchangeKind::forward;
  /// For `hash`: columns of the producer's output.
  std::vector<int> keys = {};
  /// True if nothing leaves this phase before the input has ended. Such an edge may be kept on
  /// disk, so that a stage restarts alone.
  bool blocking = false;
  /// True where the operator can be told to take rows of this input before it wants them, and then
  /// holds them itself, in its memory or on disk (`OperatorContext::early_inputs`).
  bool may_be_early = false;
};

/// A part of an operator that runs without an exchange inside. `aggregate` is two phases: partial
/// results on each producer, hashed by key, then final ones.
struct Phase {
  std::string name;  ///< "aggregate.partial", for `explain`
  std::vector<PhaseInput> inputs;
  std::vector<SchemaPtr> outputs;  ///< one per port; hidden columns are not named in them
  std::vector<Flow> flows = {};    ///< one per port; none: tables without event time
  /// Set if the phase can only have so many subtasks; 1 for a gather.
  std::optional<std::uint32_t> parallelism_max = {};
  /// Exactly one of the three is set. They may be called on any node, any number of times.
  std::function<Result<std::unique_ptr<Operator>>()> make_operator = {};
  std::function<Result<std::shared_ptr<Source>>()> make_source = {};
  std::function<Result<std::shared_ptr<Sink>>()> make_sink = {};
  /// What its operators remember in streams; the name of a table is unique within the phase.
  std::vector<std::shared_ptr<const StateTable>> state = {};
  /// One line for `explain` about what it does: "group by carrier: count(*), avg(delay)".
  std::string detail = {};
  /// Of a source of files: its pattern.
  std::string reads = {};
  /// Of a source: so many rows a second, all subtasks together, and no more.
  std::optional<double> rate = {};
  /// Of a sink of files: its directory or its single file; and for a directory, an example of the
  /// names that it gives its files.
  std::string writes = {}, writes_part = {};
  // Of what takes no hidden columns: how many are taken off each input (none: zero).
  std::vector<int> hidden_taken_off = {};
  // Set by the planner. Of a source: how its rows get their event time.
  std::shared_ptr<const EventTimePlan> event_time = {};

  int taken_off(std::size_t input) const {
    return input < hidden_taken_off.size() ? hidden_taken_off[input] : 0;
  }
  Flow flow(int port) const {
    return flows.empty() ? Flow() : flows.at(static_cast<std::size_t>(port));
  }
};

/// An output of an operator beyond its first one: which of its phases gives it, by which port.
struct PlanPort {
  std::string name;  ///< one of the description's `ports`
  int phase = 0;
  int port = 0;
};

/// An input, as far as it is known when its reader is planned.
struct PlanInput {
  SchemaPtr schema;                       ///< logical types: never dictionary
  std::optional<std::int64_t> rows = {};  ///< estimates, if there are any
  std::optional<std::int64_t> bytes = {};
  bool rows_at_most = false;  ///< `rows` is a bound from a file's size, perhaps far too high
  Flow flow = {};
  bool endless = false;  ///< of a stream: its rows never end
};

/// An operator, planned for given inputs.
struct OperatorPlan {
  std::vector<Phase> phases;  ///< in order of dependence; the last one's port 0 is the output
  std::optional<std::int64_t> rows = {};
  bool rows_at_most = false;  ///< `rows` is a bound from a file's size, perhaps far too high
  std::optional<std::int64_t> bytes = {};
  /// For each input, the columns that are needed to make the given columns of the output (indices,
  /// sorted). The planner narrows the sources by it. Not set: all columns are needed.
  std::function<std::vector<std::vector<int>>(const std::vector<int>& output)> needs = {};
  /// Set by operators that only drop rows: the predicate all their output satisfies, over input 0.
  std::optional<Expression> predicate = {};
  std::vector<PlanPort> ports = {};  ///< further outputs
  /// Its rows never end. A source says so; the planner hands it on.
  bool endless = false;

  const SchemaPtr& output() const { return phases.back().outputs.front(); }
  /// Its phases know nothing of the hidden columns of these inputs.
  void take_off_hidden(const std::vector<PlanInput>& inputs);
  /// Where the output of that name comes from ("": the first one); nothing if there is none.
  std::optional<PlanPort> port(const std::string& name) const;
};

/// Everything that a plan may depend on besides its inputs.
struct PlanContext {
  std::uint32_t parallelism = 1;
  /// Set by the planner: nobody needs other columns of the output than these (by name, in their
  /// order). A source reads no others; any operator may leave them out...
  std::optional<std::vector<std::string>> projection = {};
  /// ... and of a source only rows that satisfy this SQL predicate are needed; it may deliver more.
  std::string predicate = {};
  /// Of a source: its rows are a stream.
  bool stream = false;
  /// The names of the further outputs that somebody reads.
  std::set<std::string> ports_read = {};
  /// The schema that a source found when the job was submitted; it does not look again.
  SchemaPtr resolved = {};
  /// The disk that sources read from and sinks write to, at planning and in the run: their only way
  /// to it. Outlives the plan. The planner takes it from the registry.
  FileSystem* files = nullptr;
};

/// One operator as users name it: its description, and how it is planned. Stateless.
class OperatorKind {
 public:
  virtual ~OperatorKind() = default;
  virtual const OperatorDescription& description() const = 0;
  /// With these options, of those whose description says that they can take changes. In front of a
  /// sink that does not, a materialising phase is put.
  virtual bool takes_changes(const Options&) const { return description().changes; }
  /// Binds the options to the inputs. Errors have the path "<parameter>[.<key>]", or an empty path
  /// if the inputs themselves are wrong. May block: sources may read file headers here.
  virtual Result<OperatorPlan> plan(const Options& options, const std::vector<PlanInput>& inputs,
                                    const PlanContext& context) const = 0;
};

/// The operators of a node, by name, and the disk on which they read and write users' files.
/// `main` (or an embedding service) makes the registry and may add its own operators. Files that
/// operators keep for themselves are on another disk (`OperatorContext::files`).
class OperatorRegistry {
 public:
  /// `files` outlives it and all plans.
  explicit OperatorRegistry(FileSystem& files) : files_(&files) {}

  FileSystem& files() const { return *files_; }
  void add(std::unique_ptr<OperatorKind> kind);
  const OperatorKind* find(const std::string& name) const;
  /// Sorted by name.
  std::vector<const OperatorKind*> all() const;

 private:
  FileSystem* files_;
  std::vector<std::unique_ptr<OperatorKind>> kinds_;
};

}  // namespace troupe
