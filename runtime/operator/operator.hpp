#pragma once

#include "runtime/base/result.hpp"
#include "runtime/base/time.hpp"
#include "runtime/data/batch.hpp"
#include "runtime/data/memory_budget.hpp"
#include "runtime/os/file_system.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace troupe {

/// Takes an operator's output, to the next operator of the chain or to the router of the task.
class Emitter {
 public:
  virtual ~Emitter() = default;
  /// Empty batches are dropped. `port` is 0 unless the phase declares more outputs.
  virtual void emit(Batch batch, int port = 0) = 0;
  /// Emits to the receiver of a `range` exchange that the operator has chosen.
  virtual void emit_to(std::uint32_t partition, Batch batch) = 0;
};

/// The surroundings of one instance of an operator. Outlives the operator.
struct OperatorContext {
  std::uint32_t subtask = 0;
  std::uint32_t parallelism = 1;
  /// The number of receivers of the phase's output; `emit_to` takes smaller numbers.
  std::uint32_t output_partitions = 1;
  MemoryBudget* memory = nullptr;
  /// Inputs that must be wanted all the time: what stands behind them could not go on otherwise
  /// (`runtime/graph/jam.hpp`). Only those that the phase says may be early.
  std::vector<int> early_inputs = {};
  /// Barriers will come: what changes is noted for the next one (`Operator::snapshot`).
  bool barriers = false;
  /// A directory for this operator of this task attempt alone: made at first use, removed when the
  /// attempt ends. `files` is its disk, and the operator's only way to it: a failure there is the
  /// node's fault (`runtime/os/own_files.hpp`).
  std::string scratch_directory = {};
  FileSystem* files = nullptr;
};

/// Rows of the tables of one operator, by table.
using StateRows = std::vector<std::vector<Batch>>;

/// `done`: the call did all that it had to do. `again`: call again with the same arguments, once
/// the output so far has found room.
enum class Step { done, again };

/// One instance of one phase of an operator: the state of one subtask, used by one thread at a
/// time. Configuration is immutable and shared, state is here.
///
/// The task calls `open`, then `restore` with what its tables held, if it goes on from an epoch;
/// then `process` with batches of all inputs, in any order that `wants` allows, `advance` when the
/// event time of a stream has moved, at a barrier `flush` and `snapshot`, and `end_of_input` once
/// for each input; after the last of these it calls `drain` until that says `done`. An operator
/// emits at most about one batch per call and returns `again` while there is more, so that the
/// channels behind it bound the output.
///
/// In streams it is restored after a failure to where it was at a barrier. So whatever it must
/// remember from one call to the next is rows of the tables that its phase declares
/// (`Phase::state`), and nothing else is: what it finds again by hashing, or from the event time
/// that it is told first of all, need not be.
class Operator {
 public:
  virtual ~Operator() = default;

  virtual Result<> open(const OperatorContext&) { return {}; }
  virtual Result<Step> process(int input, const Batch& batch, Emitter& out) = 0;
  /// In streams: no row with an earlier event time will follow on any input, except late ones. What
  /// is final now leaves; after `done` the time is passed on. The last one is `EventTime::max()`.
  virtual Result<Step> advance(EventTime, Emitter&) { return Step::done; }
  virtual Result<> end_of_input(int /*input*/, Emitter&) { return {}; }
  virtual Result<Step> drain(Emitter&) { return Step::done; }

  /// False while rows of this input shall stay in their channel: a join wants its build side first.
  /// At any time at least one input that has not ended must be wanted.
  virtual bool wants(int /*input*/) const { return true; }
  /// True when no further input can change the output (a limit that is reached): the task ends its
  /// inputs early.
  virtual bool satisfied() const { return false; }
  /// Rows that it has dropped so far, since they came when their windows were closed.
  virtual std::uint64_t rows_late() const { return 0; }
  /// What people should know of its work; asked once, when it has finished.
  virtual std::vector<std::string> notes() const { return {}; }
  /// A barrier comes: what it holds only so that fewer rows leave (partial results in front of an
  /// exchange) leaves now, and need not be state. A call of its own, since it emits, as often as
  /// it takes; and `advance` would say that time has moved.
  virtual Result<Step> flush(Emitter&) { return Step::done; }
  /// At a barrier, after `flush`: for each table of its phase, in their order, the rows that have
  /// changed since the last barrier; of a table that belongs to the task, all. They are written
  /// while the operator goes on: it never changes what it has handed over.
  virtual Result<StateRows> snapshot() { return StateRows(); }
  /// Rows that a table held at the barrier which the task goes on from, merged: the rows of one key
  /// are in one call. Called on a thread that may block.
  virtual Result<> restore(int /*table*/, const Batch& /*rows*/) { return {}; }
  /// True if the next call reads or writes files: it then runs on the I/O pool.
  virtual bool blocks() const { return false; }
};

}  // namespace troupe
