#pragma once

#include "runtime/base/restart_policy.hpp"
#include "runtime/epoch/epochs.hpp"
#include "runtime/os/random.hpp"
#include "runtime/run/attempts.hpp"
#include "runtime/run/recovery.hpp"

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace troupe {

/// "1 row", "7 rows".
std::string count_of(std::int64_t count, const char* noun);
/// "312 ms", "1.3 s": for people who read the event log.
std::string in_words(Duration duration);

/// A run, whatever phase of its life it is in: its row, its attempts, its epochs, and the
/// decision at hand. Owned by the RunMachine; its phases act on it, one at a time.
///
/// Invariant: a run that has ended never leaves its state.
struct Run {
  explicit Run(RunImage image);
  Run(const Run&) = delete;  // its parts know where the decision is
  Run& operator=(const Run&) = delete;

  RunId id() const { return made.run; }
  /// True while its tasks may be deployed and may finish.
  bool working() const;
  /// All that is left to do is to commit: it resumes one that was through with its tasks.
  bool only_commits() const;
  /// Its epochs follow one another; else it is a batch run, and has one.
  bool streams() const { return made.checkpoint.has_value(); }
  /// Ended, and nothing of it needs to be kept anywhere.
  bool releases() const { return ended(state) && state != RunState::halted; }

  void plan();
  void set_state(RunState to, std::optional<Error> why = {});
  void cancel(const std::string& by);
  /// Ends it as SUSPENDED, once what it has published is committed.
  void stop(const std::string& by);
  /// STOPPING: no task is of use any more.
  void stop_tasks();
  /// Ends it as FAILED; before, what it has published is committed.
  void fail(Error why);
  /// Ends it as HALTED: exactness could not be kept.
  void halt(Error why);
  void end(RunState to, std::optional<Error> why = {});
  /// An attempt has stopped. After the last one a run that is CANCELLING becomes CANCELLED, one
  /// that is STOPPING SUSPENDED, and what an ended run has left may be removed.
  void note_stopped();
  /// By its vertex, what each sink makes visible with an epoch.
  using Staged = std::map<std::string, std::vector<Committable>>;
  /// Adds what a task has staged and no epoch has published yet; `sink` is empty where it has none.
  void add_staged(const std::string& sink, const std::vector<Committable>& staged,
                  Staged& to) const;
  void say(log::Level level, std::string text) { decision.say(level, std::move(text)); }

  RunRecord made;
  std::shared_ptr<const std::string> encoded_plan;
  RunState state;
  std::optional<Error> cause;
  std::optional<Splits> splits;
  Decision decision;
  Attempts attempts;
  Epochs epochs;
  std::unique_ptr<TaskTopology> topology;  ///< once it is planned
  RestartPolicy policy;
  Random random;
  Recovery recovery;
  std::optional<Instant> began;  ///< unknown where an earlier leader began it
  /// STOPPING, and tasks are at work for a last epoch. Forgotten with its leader: the next one
  /// suspends the run at the last published epoch, which is as exact.
  bool takes_last_epoch = false;
  bool lacks_copies = false;  ///< no epoch begins: its state must be on two nodes, and there is one

  const ClusterView* cluster = nullptr;  ///< at the event at hand
  Instant now = {};                      ///< likewise

 private:
  void say_how_it_ended();
  void release_nodes();

  bool left_behind_ = false;
  std::vector<Leftover> halted_before_;
};

}  // namespace troupe
