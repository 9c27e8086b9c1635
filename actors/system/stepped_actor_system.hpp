#pragma once

#include "actors/system/actor_system.hpp"
#include "runtime/os/random.hpp"

#include <cstddef>

namespace troupe {

/// An actor system for tests: one thread, virtual time, and nothing happens until told. Which actor
/// is next, or whether an I/O call completes first, is chosen by chance, so a seed is an
/// interleaving.
class SteppedActorSystem : public ActorSystem {
 public:
  explicit SteppedActorSystem(std::uint64_t seed = 0);
  ~SteppedActorSystem() override;

  /// One message of one actor, or one call on the I/O pool. False: nothing can run.
  bool step();
  /// Until nothing can run; the number of steps. At most `steps_max`, so that a loop is a failure.
  std::size_t run(std::size_t steps_max = 1'000'000);
  /// Moves the clock; timers that are due become messages.
  void advance(Duration duration);

 protected:
  void settle() override;

 private:
  Random random_;
};

}  // namespace troupe
