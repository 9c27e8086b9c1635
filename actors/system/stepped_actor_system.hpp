#pragma once

#include "actors/system/actor_system.hpp"
#include "runtime/os/random.hpp"

#include <cstddef>

namespace troupe {

/// An actor system for tests: one thread, virtual time, and nothing happens until `step`. Chance
/// chooses the next actor or I/O call, so a seed is an interleaving.
class SteppedActorSystem : public ActorSystem {
 public:
  explicit SteppedActorSystem(std::uint64_t seed = 0);
  ~SteppedActorSystem() override;

  /// Runs one message of one actor, or one call of the I/O pool. False if nothing can run.
  bool step();
  /// Steps until nothing can run; returns the number of steps. More than `steps_max` is a failure:
  /// the actors loop.
  std::size_t run(std::size_t steps_max = 1'000'000);
  /// Moves the clock; timers that are due then become messages.
  void advance(Duration duration);

 protected:
  void settle() override;

 private:
  Random random_;
};

}  // namespace troupe
