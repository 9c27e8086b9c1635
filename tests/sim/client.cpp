#include "tests/sim/client.hpp"

#include "tests/sim/sim_coordinator.hpp"

#include <algorithm>

namespace troupe::sim {
namespace {

constexpr Duration step_every = 100ms;

}  // namespace

Client::Client(World& world)
    : world_(world),
      random_(world.random.next()),
      open_max_(world.streams() ? 1 + random_.below(5) / 4 : 2 + random_.below(4)) {}

void Client::begin() { step(); }

void Client::step() {
  std::size_t open = 0;
  for (Entry& entry : submissions_) {
    if (ended(entry)) continue;
    ++open;
    if (entry.answers.empty() || random_.chance(1, 50)) ask(entry);
    if (!entry.answers.empty()) maybe_cancel(entry);
  }
  for (; open < open_max_ && !stopped_; ++open) submit_new();
  world_.loop.after(step_every, [this] { step(); });
}

void Client::submit_new() {
  const bool may_fail = !world_.calm() && !world_.one_bad_disk();
  const ModelPlace place{world_.planner(), world_.users_files(), world_.model_streams, may_fail};
  ModelJob job = world_.streams() ? make_model_stream(submissions_.size(), random_, place)
                                  : make_model_job(submissions_.size(), random_, place);
  Entry& entry = submissions_.emplace_back();
  entry.key = fmt::format("key-{}", submissions_.size());
  entry.plan = job.plan;
  world_.jobs.emplace(job.plan, std::move(job));
  if (random_.chance(1, 6)) entry.interval = "2026-01-01";
  if (random_.chance(1, 12) && !world_.calm() && !world_.one_bad_disk()) {
    entry.cancel_at = world_.loop.now() + Duration(random_.below(500'000'000));
  }
  ask(entry);
}

void Client::ask(Entry& entry) {
  submit(entry);
  if (random_.chance(1, 8)) submit(entry);
  if (random_.chance(1, 8)) ask_soon(entry);
}

void Client::ask_soon(Entry& entry) {
  world_.loop.after(world_.between(Duration(0), 10ms), [this, &entry] { submit(entry); });
}

void Client::submit(Entry& entry) {
  auto* coordinator = static_cast<SimCoordinator*>(world_.process(World::coordinator));
  if (coordinator == nullptr || world_.loop.frozen(World::coordinator)) return;
  const bool rival = !entry.interval.empty() && random_.chance(1, 2);
  Submission submission =
      submission_of(world_.jobs.at(entry.plan), entry.key + (rival ? "-rival" : ""));
  submission.interval = entry.interval;
  if (world_.one_bad_disk()) submission.settings.restart = {};
  coordinator->submit(std::move(submission), [this, &entry](const Result<RunId>& answer) {
    hear(entry, answer);
    // Whoever has just been answered may ask again before anything else happens.
    if (random_.chance(1, 8)) world_.loop.after(Duration(0), [this, &entry] { submit(entry); });
  });
}

void Client::hear(Entry& entry, const Result<RunId>& answer) {
  if (answer) {
    entry.answers.insert(*answer);
    return;
  }
  // The coordinator is over: whoever follows it is asked again.
  if (answer.error().code == ErrorCode::unavailable) return;
  if (answer.error().code != ErrorCode::already_exists || entry.interval.empty()) {
    world_.violation(answer.error().to_string());
  }
  // The other key was first.
  const auto run = world_.store.look_up(
      {0, "", RunInterval{world_.jobs.at(entry.plan).name, entry.interval, 0}});
  world_.check(run.of_interval.has_value(), "an interval is refused although nothing is there");
  entry.answers.insert(*run.of_interval);
}

void Client::maybe_cancel(Entry& entry) {
  // Never after the faults: a run that hangs must be seen to hang.
  if (entry.cancel_asked || world_.healed() || world_.loop.now() < entry.cancel_at) return;
  auto* coordinator = static_cast<SimCoordinator*>(world_.process(World::coordinator));
  if (coordinator == nullptr || world_.loop.frozen(World::coordinator)) return;
  entry.cancel_asked = true;
  coordinator->cancel(*entry.answers.begin(), [&entry](const Result<RunId>& answer) {
    entry.cancel_agreed = entry.cancel_agreed || answer.ok();
  });
}

bool Client::ended(const Entry& entry) const {
  if (entry.answers.empty()) return false;
  const auto run = world_.store.all_runs().find(*entry.answers.begin());
  return run != world_.store.all_runs().end() && troupe::ended(run->second.state);
}

bool Client::done() const {
  return std::all_of(submissions_.begin(), submissions_.end(),
                     [this](const Entry& entry) { return ended(entry); });
}

void Client::check() const {
  for (const Entry& entry : submissions_) check_entry(entry);
  world_.check(world_.store.all_runs().size() == submissions_.size(),
               "there are other runs than submissions");
}

void Client::check_entry(const Entry& entry) const {
  world_.check(entry.answers.size() == 1, "one key was answered with two runs");
  const RunImage& run = world_.store.all_runs().at(*entry.answers.begin());
  const ModelJob& job = world_.jobs.at(entry.plan);
  const auto violation = [&](const char* what) {
    world_.violation(fmt::format("run {} is {}: {}{}", run.made.run, to_string(run.state), what,
                                 run.cause ? " (" + run.cause->to_string() + ")" : ""));
  };
  if (!troupe::ended(run.state)) violation("it has not ended long after the last fault");
  if (entry.cancel_agreed && run.state == RunState::succeeded) violation("but it was cancelled");
  if (run.state == RunState::cancelled && !entry.cancel_asked) violation("nobody cancelled it");
  if (run.state == RunState::halted) check_halted(run);
  if (run.state == RunState::failed && !job.always_fails) violation("nothing was wrong with it");
  if (run.state == RunState::succeeded && job.always_fails) violation("it cannot work");
  if (run.state == RunState::failed &&
      run.cause->message.find("the user's mistake") == std::string::npos) {
    violation("with another cause than its own");
  }
  if (StreamCheck* stream = world_.stream_check(run.made.run)) {
    stream->ended(run.state == RunState::succeeded);
  }
  check_output(run, job);
}

/// Exactness could not be kept: no good copy of its state is left, and it says of what.
void Client::check_halted(const RunImage& run) const {
  world_.check(world_.may_halt(), "a run is halted, and nothing could have halted it");
  const std::string why = run.cause ? run.cause->to_string() : "";
  world_.check(why.find("key groups") != std::string::npos,
               "a run is halted, and does not say which state is lost");
  world_.check(why.find("task") != std::string::npos, "a run is halted, and does not say whose");
}

/// Nothing lost, nothing doubled, nothing of a loser: for a run that succeeded all of it, for
/// another one nothing at all.
void Client::check_output(const RunImage& run, const ModelJob& job) const {
  for (const auto& [vertex, sink] : job.sinks) {
    const auto found = rows_in(world_.users_disk(), sink);
    const std::string where =
        fmt::format("run {} ({}), sink {}: ", run.made.run, to_string(run.state), vertex);
    if (run.state != RunState::succeeded) {
      if (found) world_.violation(where + "something is visible");
      continue;
    }
    if (!found) world_.violation(where + "nothing is visible");
    if (*found != sink.rows) {
      world_.violation(where + fmt::format("rows are lost or doubled: {} of {}", found->size(),
                                           sink.rows.size()));
    }
  }
}

}  // namespace troupe::sim
