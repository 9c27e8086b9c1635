#include "tests/sim/seed.hpp"

#include "tests/sim/client.hpp"
#include "tests/sim/nemesis.hpp"
#include "tests/sim/sim_coordinator.hpp"
#include "tests/sim/sim_executor.hpp"

namespace troupe::sim {
namespace {

constexpr Duration faults_at_most = 120s;    ///< of simulated time
constexpr Duration settles_within = 90s;     ///< after the last fault
constexpr Duration leaks_gone_within = 20s;  ///< after the last run ended

/// Nothing is held for runs that have ended: no task, no kept partition, no report.
bool leaks_nothing(World& world) {
  for (NodeIndex node = 1; node < world.nodes(); ++node) {
    const auto* executor = static_cast<SimExecutor*>(world.process(node));
    if (executor == nullptr) continue;
    if (!executor->machine().held().empty() || executor->tasks() + executor->kept() > 0) {
      return false;
    }
  }
  return true;
}

void check_leaks(World& world) {
  for (NodeIndex node = 1; node < world.nodes(); ++node) {
    const auto* executor = static_cast<SimExecutor*>(world.process(node));
    if (executor == nullptr) continue;
    for (const HeldTask& held : executor->machine().held()) {
      world.violation(fmt::format("n{} still holds {} ({})", node, attempt_tag(key_of(held.token)),
                                  to_string(held.state)));
    }
    world.check(executor->tasks() == 0 && executor->kept() == 0,
                "an executor still keeps what nobody needs");
  }
}

std::uint64_t run_until(World& world, Instant end, const std::function<bool()>& done) {
  std::uint64_t hash = 0;
  while (!done() && world.loop.step(end)) {
    hash = mix(hash ^ static_cast<std::uint64_t>(world.loop.now().time_since_epoch().count()) ^
               (world.net.delivered() << 32));
    world.bury();
  }
  return hash;
}

void drive(World& world, Outcome& outcome) {
  Client client(world);
  Nemesis nemesis(world);
  for (NodeIndex node = 0; node < world.nodes(); ++node) world.start(node);
  client.begin();
  nemesis.begin();
  const auto enough = [&] { return world.net.delivered() >= world.options.messages_min; };
  outcome.trace_hash = run_until(world, world.loop.now() + faults_at_most, enough);
  if (world.random.chance(1, 4)) world.lose_for_good(1 + world.random.below(world.nodes() - 1));
  world.heal();
  // What the faults left time for may be little.
  outcome.trace_hash ^= run_until(world, world.loop.now() + settles_within, enough);
  client.stop();
  const Instant end = world.loop.now() + settles_within;
  outcome.trace_hash ^= run_until(world, end, [&] { return client.done(); });
  client.check();
  run_until(world, world.loop.now() + leaks_gone_within, [&] { return leaks_nothing(world); });
  check_leaks(world);
}

void count(const World& world, Outcome& outcome) {
  outcome.messages = world.net.delivered();
  outcome.kills = world.kills;
  outcome.kills_at = world.kills_at;
  outcome.refused = world.refused_commands + world.refused_reports;
  for (const auto& [id, run] : world.store.all_runs()) {
    ++outcome.runs;
    outcome.succeeded += run.state == RunState::succeeded;
    for (const AttemptImage& attempt : run.attempts) {
      outcome.restarts += attempt.state != AttemptState::finished;
    }
  }
}

}  // namespace

Outcome run_seed(const SimOptions& options) {
  Outcome outcome;
  World world(options);
  try {
    drive(world, outcome);
  } catch (const std::exception& violation) {
    // A Violation, or a Defect of a machine: both end the seed.
    outcome.ok = false;
    outcome.violation = violation.what();
  }
  count(world, outcome);
  return outcome;
}

}  // namespace troupe::sim
