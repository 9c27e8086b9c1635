#pragma once

#include "runtime/operator/operator_kind.hpp"
#include "runtime/os/own_files.hpp"
#include "tests/support/rows.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace troupe {

/// Runs the phases of an operator in one thread, with exchanges in memory: each phase to its end
/// before the next one starts. It keeps the promises that the task runtime makes to an operator
/// (`wants`, `again`, `satisfied`, the order of a gather) and checks those that an operator makes:
/// batches of the declared schema, none too large, some open input always wanted.
///
///   const auto output = run_phases(plan, {left, right}, {.parallelism = 3}).value();
struct PhaseRun {
  std::uint32_t parallelism = 2;
  MemoryBudget* memory = nullptr;  ///< default: 4 GiB
  std::string scratch_directory = {};
  FileSystem* files = &own_files();    ///< what it is on
  std::uint32_t seed = 1;              ///< decides which input's batch comes next
  std::vector<int> early_inputs = {};  ///< of the last phase: they are to be wanted at any time
  bool check = true;                   ///< every value of every emitted batch; off for benchmarks
};

using Stream = std::vector<Batch>;    ///< of one subtask
using Streams = std::vector<Stream>;  ///< of all subtasks

/// `inputs[i][s]`: what subtask s of the producer of input i has emitted. The result is what each
/// subtask of the last phase emits on port 0.
Result<Streams> run_phases(const OperatorPlan& plan, const std::vector<Streams>& inputs,
                           const PhaseRun& run = {});

}  // namespace troupe
