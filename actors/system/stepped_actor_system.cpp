#include "actors/system/stepped_actor_system.hpp"

#include "actors/system/shell.hpp"

#include <caf/scheduler/test_coordinator.hpp>

#include <algorithm>

namespace troupe {
namespace {

using Coordinator = caf::scheduler::test_coordinator;

class VirtualClock : public Clock {
 public:
  explicit VirtualClock(Coordinator& coordinator) : coordinator_(coordinator) {}
  Instant now() const override {
    return Instant(
        std::chrono::duration_cast<Duration>(coordinator_.clock().now().time_since_epoch()));
  }
  WallTime wall() const override {
    return WallTime(std::chrono::duration_cast<WallTime::duration>(now().time_since_epoch()));
  }

 private:
  Coordinator& coordinator_;
};

std::unique_ptr<caf::actor_system_config> testing() {
  auto config = std::make_unique<caf::actor_system_config>();
  config->set("scheduler.policy", caf::atom("testing"));
  return config;
}

Coordinator& coordinator(caf::actor_system& system) {
  return dynamic_cast<Coordinator&>(system.scheduler());
}

}  // namespace

SteppedActorSystem::SteppedActorSystem(std::uint64_t seed)
    : ActorSystem(std::make_unique<State>(*this, testing()), {.threads = 0}), random_(seed) {
  state().clock = std::make_unique<VirtualClock>(coordinator(*state().caf));
}

SteppedActorSystem::~SteppedActorSystem() { static_cast<void>(shutdown(shutdown_grace)); }

bool SteppedActorSystem::step() {
  auto& scheduler = coordinator(*state().caf);
  const std::size_t choices = scheduler.jobs.size() + (io().waiting() > 0 ? 1 : 0);
  if (choices == 0) return false;
  const std::size_t choice = random_.below(choices);
  if (choice == scheduler.jobs.size()) return io().run_one();
  // `run_once` runs the first job, so the chosen one moves there; the others keep their order.
  auto& jobs = scheduler.jobs;
  auto chosen = jobs.begin() + static_cast<std::ptrdiff_t>(choice);
  std::rotate(jobs.begin(), chosen, chosen + 1);
  scheduler.run_once();
  return true;
}

std::size_t SteppedActorSystem::run(std::size_t steps_max) {
  std::size_t steps = 0;
  while (step()) ENSURE(++steps < steps_max, "the actors do not come to rest");
  return steps;
}

void SteppedActorSystem::advance(Duration duration) {
  coordinator(*state().caf).advance_time(duration);
}

void SteppedActorSystem::settle() { run(); }

}  // namespace troupe
