#pragma once

#include "runtime/operator/operator.hpp"
#include "runtime/operator/options.hpp"
#include "runtime/operator/sink.hpp"
#include "runtime/operator/source.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace troupe {

/// How rows travel from the subtasks of one phase to those of the next.
enum class ExchangeKind {
  forward,    ///< subtask i to subtask i: no exchange at all, the phases are fused
  hash,       ///< by the key group of the key columns
  range,      ///< the producer decides (`Emitter::emit_to`)
  broadcast,  ///< every row to every subtask
  rebalance,  ///< whole batches, round robin
  gather,     ///< everything to the only subtask; channels stay apart, in producer order
};

const char* to_string(ExchangeKind kind);

/// Where a phase gets one of its inputs from.
struct PhaseInput {
  /// The operator's own input `index`, or an earlier phase of the same operator.
  enum class Origin { input, phase };
  Origin origin = Origin::input;
  int index = 0;
  int port = 0;
  ExchangeKind exchange = ExchangeKind::forward;
  /// For `hash`: columns of the producer's output.
  std::vector<int> keys = {};
  /// True where nothing leaves this phase before the input has ended. Such an edge may be kept on
  /// disk, so that a stage restarts alone.
  bool blocking = false;
  /// True where the operator can be told to take rows of this input before it wants them, and then
  /// holds them itself, in its memory or on disk (`OperatorContext::early_inputs`).
  bool may_be_early = false;
};

/// A part of an operator that runs without an exchange inside. `aggregate` is two phases: partial
/// results on each producer, hashed by key, then final ones.
struct Phase {
  std::string name;  ///< "aggregate.partial": what `explain` shows
  std::vector<PhaseInput> inputs;
  std::vector<SchemaPtr> outputs;  ///< one a port
  /// Set where the phase can only have so many subtasks; 1 for a gather.
  std::optional<std::uint32_t> parallelism_max = {};
  /// Exactly one of the three is set. They may be called on any node, any number of times.
  std::function<Result<std::unique_ptr<Operator>>()> make_operator = {};
  std::function<Result<std::shared_ptr<Source>>()> make_source = {};
  std::function<Result<std::shared_ptr<Sink>>()> make_sink = {};
  /// One line of what it does, for `explain`: "group by carrier: count(*), avg(delay)".
  std::string detail = {};
  /// Of a source of files: the pattern it looks for.
  std::string reads = {};
  /// Of a sink of files: its directory, or its single file; and in a directory the name of a file
  /// as it writes them.
  std::string writes = {}, writes_part = {};
};

/// What is known of an input when an operator is planned.
struct PlanInput {
  SchemaPtr schema;                       ///< logical types: never dictionary
  std::optional<std::int64_t> rows = {};  ///< estimates, where there are any
  std::optional<std::int64_t> bytes = {};
  bool rows_at_most = false;  ///< `rows` is a bound from a file's size, perhaps far too high
};

/// An operator, made ready for given inputs.
struct OperatorPlan {
  std::vector<Phase> phases;  ///< in order of dependence; the last one's port 0 is the output
  std::optional<std::int64_t> rows = {};
  bool rows_at_most = false;  ///< `rows` is a bound from a file's size, perhaps far too high
  std::optional<std::int64_t> bytes = {};
  /// For each input the columns needed to make the given columns of the output (indices, sorted).
  /// The planner narrows the sources by it. Not set: all columns are needed.
  std::function<std::vector<std::vector<int>>(const std::vector<int>& output)> needs = {};
  /// Set by operators that only drop rows: the predicate all their output satisfies, over input 0.
  std::optional<Expression> predicate = {};

  const SchemaPtr& output() const { return phases.back().outputs.front(); }
};

/// What a plan may depend on besides its inputs.
struct PlanContext {
  std::uint32_t parallelism = 1;
  /// Set by the planner: nobody needs other columns of the output than these (by name, in their
  /// order). A source reads no others; any operator may leave them out...
  std::optional<std::vector<std::string>> projection = {};
  /// ... and of a source only rows that satisfy this SQL predicate are needed; it may deliver more.
  std::string predicate = {};
  /// The schema a source found when the job was submitted; it does not look again.
  SchemaPtr resolved = {};
  /// The disk of the files that sources read and sinks write, when they are planned and when they
  /// run: their only way to it. Outlives the plan. The planner takes it from the registry.
  FileSystem* files = nullptr;
};

/// One operator as users name it: its description, and how it is planned. Stateless.
class OperatorKind {
 public:
  virtual ~OperatorKind() = default;
  virtual const OperatorDescription& description() const = 0;
  /// Binds the options to the inputs. Errors have the path "<parameter>[.<key>]", or an empty path
  /// where the inputs themselves are wrong. Sources may read file headers here: it may block.
  virtual Result<OperatorPlan> plan(const Options& options, const std::vector<PlanInput>& inputs,
                                    const PlanContext& context) const = 0;
};

/// The operators of a node, by name, and the disk of the files that they read and write for users.
/// `main` (or an embedding service) makes it and may add its own. What operators keep for
/// themselves is on another one (`OperatorContext::files`).
class OperatorRegistry {
 public:
  /// `files` outlives it and all plans.
  explicit OperatorRegistry(FileSystem& files) : files_(&files) {}

  FileSystem& files() const { return *files_; }
  void add(std::unique_ptr<OperatorKind> kind);
  const OperatorKind* find(const std::string& name) const;
  /// In the order of their names.
  std::vector<const OperatorKind*> all() const;

 private:
  FileSystem* files_;
  std::vector<std::unique_ptr<OperatorKind>> kinds_;
};

}  // namespace troupe
