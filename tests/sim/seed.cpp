#include "tests/sim/seed.hpp"

#include "tests/sim/client.hpp"
#include "tests/sim/nemesis.hpp"
#include "tests/sim/sim_coordinator.hpp"
#include "tests/sim/sim_executor.hpp"

namespace troupe::sim {
namespace {

constexpr Duration faults_at_most = 120s;  ///< of simulated time
constexpr Duration settles_within = 90s;   ///< after the last fault
/// Every so many seeds, one runs twice.
constexpr std::uint64_t twice_one_in = 25;
/// After the last run ended, and whatever was to be tried again was.
constexpr Duration leaks_gone_within = 20s;

/// A person decides what becomes of what it has staged.
bool halted(const World& world, const std::string& plan) {
  const auto& runs = world.store.all_runs();
  return std::any_of(runs.begin(), runs.end(), [&](const auto& run) {
    return *run.second.plan == plan && run.second.state == RunState::halted;
  });
}

/// What attempts have staged beside outputs and nobody committed, or nobody removed; empty:
/// nothing.
std::string anything_staged(World& world) {
  for (const auto& [plan, job] : world.jobs) {
    if (halted(world, plan)) continue;
    const auto names = world.users_disk().list("/out/" + job.name.value());
    if (!names) continue;
    for (const std::string& name : *names) {
      if (name.starts_with(".")) return "/out/" + job.name.value() + "/" + name;
    }
  }
  return "";
}

/// Nothing is held for runs that have ended: no task, no channel, no kept partition, no report; and
/// nothing of them is left beside their outputs.
bool leaks_nothing(World& world) {
  for (NodeIndex node = 1; node < world.nodes(); ++node) {
    const auto* executor = static_cast<SimExecutor*>(world.process(node));
    if (executor != nullptr && !executor->held().empty()) return false;
  }
  return anything_staged(world).empty();
}

void check_leaks(World& world) {
  const std::string staged = anything_staged(world);
  if (!staged.empty()) world.violation("staged files are left beside an output: " + staged);
  for (NodeIndex node = 1; node < world.nodes(); ++node) {
    const auto* executor = static_cast<SimExecutor*>(world.process(node));
    if (executor == nullptr) continue;
    const std::string held = executor->held();
    if (!held.empty()) world.violation(fmt::format("n{} still holds {}", node, held));
  }
}

std::uint64_t attempts_lost(const World& world) {
  std::uint64_t lost = 0;
  for (const auto& [id, run] : world.store.all_runs()) {
    for (const AttemptImage& attempt : run.attempts) {
      lost += attempt.state != AttemptState::finished;
    }
  }
  return lost;
}

/// Whatever was changed on the way was refused and counted, and nothing else was.
void check_damage(const World& world) {
  world.check(world.damage.frames == world.net.damaged(), "a damaged packet was not refused");
}

/// But for the one that is open when all sources have come to their end.
void check_epochs_kept(const World& world) {
  for (const auto& [id, run] : world.store.all_runs()) {
    for (std::size_t i = 0; i + 2 < run.epochs.size(); ++i) {
      world.check(run.epochs[i].state != EpochState::aborted,
                  "an epoch was given up although nothing went wrong");
    }
  }
}

/// Recovery hides many a mistake; where there is nothing to recover from, there is none.
void check_calm(const World& world) {
  world.check(attempts_lost(world) == 0, "an attempt was lost although nothing went wrong");
  check_epochs_kept(world);
  world.check(world.refused_commands + world.refused_reports == 0,
              "something was refused although nothing went wrong");
}

void run_until(World& world, Instant end, const std::function<bool()>& done) {
  while (!done() && world.loop.step(end)) {
    world.witness(world.net.delivered());
    world.bury();
  }
}

void drive(World& world) {
  Client client(world);
  Nemesis nemesis(world);
  for (NodeIndex node = 0; node < world.nodes(); ++node) world.start(node);
  client.begin();
  nemesis.begin();
  const Instant began = world.loop.now();
  const auto enough = [&] {
    return world.streams() ? world.epochs >= world.options.epochs_min
                           : world.net.delivered() >= world.options.messages_min;
  };
  run_until(world, world.loop.now() + faults_at_most, enough);
  if (!world.calm() && !world.one_bad_disk() && world.random.chance(1, 4))
    world.lose_for_good(1 + world.random.below(world.nodes() - 1));
  world.heal();
  // The pause before a clean-up is tried again doubles: none is longer than its failures took.
  const Duration failed_at_most = world.loop.now() - began;
  const Instant all_tried = world.loop.now() + failed_at_most + clean_up_retry_min;
  // What the faults left time for may be little.
  const Duration may_take = world.streams() ? 5 * settles_within : settles_within;
  run_until(world, world.loop.now() + may_take, enough);
  client.stop();
  const Instant end = world.loop.now() + settles_within;
  run_until(world, end, [&] { return client.done(); });
  client.check();
  world.end_hanging();
  const Instant leaks_gone = std::max(world.loop.now(), all_tried) + leaks_gone_within;
  run_until(world, leaks_gone, [&] { return leaks_nothing(world); });
  check_leaks(world);
}

void count(const World& world, Outcome& outcome) {
  outcome.messages = world.net.delivered();
  outcome.epochs = world.epochs;
  outcome.kills = world.kills;
  outcome.kills_at = world.kills_at;
  outcome.refused = world.refused_commands + world.refused_reports;
  for (const auto& [id, run] : world.store.all_runs()) {
    ++outcome.runs;
    outcome.succeeded += run.state == RunState::succeeded;
  }
  outcome.restarts = attempts_lost(world);
  outcome.trace_hash = world.course();
  outcome.damage = world.damage;
}

Outcome run_once(const SimOptions& options) {
  Outcome outcome;
  World world(options);
  try {
    drive(world);
    check_damage(world);
    if (world.calm()) check_calm(world);
  } catch (const std::exception& violation) {
    // A Violation, or a Defect of a machine: both end the seed.
    outcome.ok = false;
    outcome.violation = violation.what();
  }
  count(world, outcome);
  return outcome;
}

}  // namespace

Outcome run_seed(const SimOptions& options) {
  Outcome outcome = run_once(options);
  if (!outcome.ok || options.verbose || options.seed % twice_one_in != 1) return outcome;
  const Outcome again = run_once(options);
  if (again.trace_hash != outcome.trace_hash || again.ok != outcome.ok) {
    outcome.ok = false;
    outcome.violation = "the same seed took another course the second time";
  }
  return outcome;
}

}  // namespace troupe::sim
