#include "runtime/run/run.hpp"

#include "runtime/base/ensure.hpp"

#include <utility>

namespace troupe {

std::string count_of(std::int64_t count, const char* noun) {
  return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
}

std::string in_words(Duration duration) {
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(duration).count();
  return ms < 1000 ? fmt::format("{} ms", ms) : fmt::format("{}.{} s", ms / 1000, ms % 1000 / 100);
}

namespace {

RestartLimits limits_of(const RestartSettings& settings) {
  return {settings.attempts, settings.window, settings.initial_delay, settings.max_delay};
}

}  // namespace

Run::Run(RunImage image)
    : made(std::move(image.made)),
      encoded_plan(std::move(image.plan)),
      state(image.state),
      cause(std::move(image.cause)),
      splits(std::move(image.splits)),
      decision(made.run),
      attempts(made, decision),
      epochs({made.run, made.uid, encoded_plan, made.marked_with()},
             made.checkpoint ? made.checkpoint->keep : 1, std::move(image.epochs),
             image.rows_committed),
      policy(limits_of(made.restart)),
      random(made.run.value()),
      halted_before_(std::move(image.halted_before)) {}

bool Run::working() const {
  return state == RunState::starting || state == RunState::running ||
         state == RunState::restarting || (state == RunState::stopping && takes_last_epoch);
}

/// The last epoch of a run has no state: nothing reads on from there.
bool Run::only_commits() const {
  return streams() && epochs.published() != Epoch() && epochs.last_manifest().tasks.empty();
}

void Run::plan() { decision.effect(effect::PlanTasks{id(), encoded_plan, made.target, splits}); }

void Run::set_state(RunState to, std::optional<Error> why) {
  ENSURE(!ended(state), "run {} is {} and would become {}", id(), to_string(state), to_string(to));
  decision.persist(RunStateRecord{id(), state, to, why});
  state = to;
  cause = std::move(why);
}

void Run::cancel(const std::string& by) {
  say(log::Level::info, fmt::format("cancelled by {}", by));
  if (streams()) epochs.abort(decision, "the run is cancelled");
  set_state(RunState::cancelling);
  attempts.kill_all(*cluster);
  attempts.stop_all("the run is cancelled");
}

void Run::stop(const std::string& by) {
  say(log::Level::info, fmt::format("stopped by {}", by));
  set_state(RunState::stopping);
}

void Run::stop_tasks() {
  takes_last_epoch = false;
  epochs.abort(decision, "the run stops");
  attempts.kill_all(*cluster);
  attempts.stop_all("the run stops");
}

/// FINISHING with a cause is a run that fails as soon as what it has published is committed.
void Run::fail(Error why) {
  attempts.kill_all(*cluster);
  epochs.abort(decision, "the run fails");
  if (epochs.all_over()) return end(RunState::failed, std::move(why));
  attempts.stop_all("the run fails");
  set_state(RunState::finishing, std::move(why));
}

void Run::halt(Error why) {
  attempts.kill_all(*cluster);
  attempts.stop_all("the run halts");
  end(RunState::halted, std::move(why));
}

void Run::add_staged(const std::string& sink, const std::vector<Committable>& staged,
                     Staged& to) const {
  if (sink.empty()) return;
  std::vector<Committable>& all = to[sink];
  for (const Committable& one : staged) {
    if (one.epoch > epochs.published()) all.push_back(one);
  }
}

void Run::end(RunState to, std::optional<Error> why) {
  epochs.abort(decision, "the run has ended");
  set_state(to, std::move(why));
  say_how_it_ended();
  decision.effect(effect::RunEnded{id(), state, cause});
  if (releases()) release_nodes();
}

/// Of one that has failed, or was stopped, the state stays: another run may go on from it.
void Run::release_nodes() {
  const bool for_good = state == RunState::succeeded || state == RunState::cancelled;
  const ReleaseRun release{attempts.token({}, {}), made.marked_with(), for_good};
  for (const auto& [name, node] : cluster->nodes) {
    // Of the state of a stream there may be copies where it never had a task.
    if (!streams() && !attempts.nodes_used().contains(name)) continue;
    decision.send(node.node, node.incarnation, release);
  }
  const bool shared = streams() && !made.checkpoint->directory.empty();
  const ClusterNode* any = cluster->any_listed();
  if (!for_good || !shared || any == nullptr) return;
  decision.send(
      any->node, any->incarnation,
      DropSnapshots{attempts.token({}, {}), made.marked_with(), {}, made.checkpoint->directory});
}

void Run::say_how_it_ended() {
  const std::string after = began ? fmt::format(" after {}", in_words(now - *began)) : "";
  switch (state) {
    case RunState::succeeded:
      return say(log::Level::info, fmt::format("succeeded{}: committed {}", after,
                                               count_of(epochs.rows_committed(), "row")));
    case RunState::cancelled:
      return say(log::Level::info, fmt::format("is cancelled{}", after));
    case RunState::suspended:
      return say(log::Level::info,
                 fmt::format("is suspended{} at epoch {}: committed {}", after, epochs.published(),
                             count_of(epochs.rows_committed(), "row")));
    default:
      return say(log::Level::error,
                 fmt::format("{}{}: {}", state == RunState::halted ? "halted" : "failed", after,
                             cause ? cause->message : "no cause is known"));
  }
}

void Run::note_stopped() {
  if (attempts.any_stopping()) return;
  if (epochs.uncommitted() == 0) {
    if (state == RunState::cancelling) end(RunState::cancelled);
    if (state == RunState::stopping) end(RunState::suspended);
  }
  if (!releases() || std::exchange(left_behind_, true)) return;
  decision.effect(effect::LeaveBehind{{id(), made.uid, encoded_plan, attempts.away()}});
  for (Leftover& before : halted_before_) decision.effect(effect::LeaveBehind{std::move(before)});
}

}  // namespace troupe
