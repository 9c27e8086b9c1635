#pragma once

#include "runtime/base/result.hpp"
#include "runtime/data/batch.hpp"
#include "runtime/data/memory_budget.hpp"
#include "runtime/os/file_system.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace troupe {

/// Where an operator's output goes: the next operator of the chain, or the router of the task.
class Emitter {
 public:
  virtual ~Emitter() = default;
  /// Empty batches are dropped. `port` is 0 unless the phase declares more outputs.
  virtual void emit(Batch batch, int port = 0) = 0;
  /// To one receiver of a `range` exchange: the operator has decided which.
  virtual void emit_to(std::uint32_t partition, Batch batch) = 0;
};

/// What an instance of an operator may know of its place. Outlives the operator.
struct OperatorContext {
  std::uint32_t subtask = 0;
  std::uint32_t parallelism = 1;
  /// Receivers of the phase's output; what `emit_to` may name.
  std::uint32_t output_partitions = 1;
  MemoryBudget* memory = nullptr;
  /// Inputs that must be wanted all the time: what stands behind them could not go on otherwise
  /// (`runtime/graph/jam.hpp`). Only those that the phase says may be early.
  std::vector<int> early_inputs = {};
  /// A directory of this operator of this task attempt alone, removed when the attempt ends; made
  /// at first use. `files` is the disk that it is on, and the operator's only way to it: what fails
  /// there is the node's fault (`runtime/os/own_files.hpp`).
  std::string scratch_directory = {};
  FileSystem* files = nullptr;
};

/// Whether a call did all it had to do, or wants to be called again with the same arguments once
/// the output so far has found room.
enum class Step { done, again };

/// One instance of one phase of an operator: the state of one subtask, used by one thread at a
/// time. Configuration is immutable and shared, state is here.
///
/// The task calls: open, then process (any input, in any interleaving that `wants` allows), for
/// each input once end_of_input, and after the last of those drain until it says done. An operator
/// emits at most about one batch a call and returns `again` while there is more, so that output
/// stays bounded by the channels behind it.
class Operator {
 public:
  virtual ~Operator() = default;

  virtual Result<> open(const OperatorContext&) { return {}; }
  virtual Result<Step> process(int input, const Batch& batch, Emitter& out) = 0;
  virtual Result<> end_of_input(int /*input*/, Emitter&) { return {}; }
  virtual Result<Step> drain(Emitter&) { return Step::done; }

  /// False while rows of this input are better left in their channel: a join wants its build side
  /// first. At least one input that has not ended is wanted at any time.
  virtual bool wants(int /*input*/) const { return true; }
  /// True when no further input can change the output (a limit that is reached): the task ends its
  /// inputs early.
  virtual bool satisfied() const { return false; }
  /// True when the next call reads or writes files: it then runs on the I/O pool.
  virtual bool blocks() const { return false; }
};

}  // namespace troupe
