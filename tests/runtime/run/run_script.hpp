#pragma once

#include "runtime/cluster/admission_machine.hpp"
#include "runtime/run/run_machine.hpp"
#include "tests/support/sim_store.hpp"

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace troupe {

/// The language of `tests/golden/run/*.txt`: one command a line, what the machine wants done below.
/// Slots are granted by the real ledger, as they would be: "n1 is granted to region 0", and what
/// the machine makes of that.
///
///     nodes n1 2 n2 2          the cluster: names and slots; `2?`: it has not said what it holds
///     stage 0 2                a stage and its subtasks; one without consumers is a sink
///     stage 0 2 stream         its subtasks read a stream
///     edge 0 1 hash blocking   from, to, exchange; pipelined unless it says blocking
///     checkpoints 1000         a streaming run: one every so many milliseconds, at most 5 s each
///     checkpoints 1000 2       likewise, none with fewer copies of its state than two
///     start                    a new run; or `restart`: a new leader, from the rows so far
///     planned
///     ready 0.0 a1
///     finished 0.0 a1 7        the number stands for the rows it made
///     failed 0.0 a1 resource disk is full
///     misses 1.0 a2 0.0 a1 no checksum     cannot read what 0.0 has kept
///     acknowledged 0.0 a1 3    an epoch; a sink has staged something for it
///     exhausted 0.0 a1
///     stopped 0.0 a1
///     lose n1
///     list n1 0.0/a1/running   what a node holds; it is a member from then on
///     continue                 everything before an `effect::Continue` is durable
///     committed v1
///     commit-failed v1 unavailable
///     cancel
///     stop
///     resume                   a run that goes on where this one, which has ended, was; then
///     `start` wait 200                 milliseconds
class RunScript {
 public:
  RunScript() { make_run({}); }

  /// What the machine wants done because of this line, one effect a line, and its state.
  std::string run(const std::string& line);

 private:
  void make_run(std::optional<CheckpointSettings> checkpoint);
  void resume();
  bool is_sink(StageId stage) const;
  Effects start();
  Effects tell(const RunEvent& event);
  std::string told(const Effects& effects);
  std::string granted();
  void describe_cluster(std::istream& words);
  void describe_stage(std::istream& words);
  void describe_edge(std::istream& words);
  Effects list(std::istream& words);
  Effects acknowledged(std::istream& words);
  Effects finished(std::istream& words);
  Effects failed(std::istream& words);
  Effects misses(std::istream& words);
  AttemptKey read_key(std::istream& words) const;
  /// The node of an attempt, also of one that is over.
  const AttemptRecord& made(const AttemptKey& key) const;

  std::unique_ptr<sim::Store> store_;
  TaskGraph graph_;
  std::unique_ptr<AdmissionMachine> slots_ = std::make_unique<AdmissionMachine>();
  std::unique_ptr<RunMachine> machine_;
  RunId run_ = RunId(1);
  Instant now_ = Instant(1s);
};

}  // namespace troupe
