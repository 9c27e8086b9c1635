#pragma once

#include "actors/system/actor.hpp"
#include "actors/system/io_pool.hpp"

#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace troupe {

struct ActorSystemOptions {
  std::size_t workers = 0;  ///< 0: as many as cores
  /// Messages an actor handles before another one gets its turn.
  std::size_t throughput = 8;
  IoPool::Limits io = {};
};

struct LiveActor {
  ActorId id;
  std::string name;
};

/// The actors of one process: their scheduler, their timers, and the list of live ones. All use of
/// CAF is behind this class.
///
/// The use of CAF is fixed, and asserted at start: the `sharing` scheduler (stealing starves and
/// collapses under many actors), a small max-throughput. No configuration file, no detached actors,
/// no registry, none of its monitors and requests: watching and asking are done here, so that they
/// are the same for actors of other nodes.
class ActorSystem {
 public:
  explicit ActorSystem(ActorSystemOptions options = {});
  /// Stops everything, `shutdown(shutdown_grace)`.
  virtual ~ActorSystem();
  ActorSystem(const ActorSystem&) = delete;
  ActorSystem& operator=(const ActorSystem&) = delete;

  /// Starts an actor of type A; `name` is for people, it need not be unique.
  template <class A, class... Args>
  typename A::Ref spawn(std::string name, Args&&... args) {
    return
        typename A::Ref(launch(std::move(name), std::make_unique<A>(std::forward<Args>(args)...)));
  }
  ActorHandle launch(std::string name, std::unique_ptr<Actor> actor);
  /// A new number, for an actor that runs elsewhere.
  ActorId next_id();

  IoPool& io() { return io_; }
  const Clock& clock() const;
  /// All actors that have not ended, oldest first.
  std::vector<LiveActor> live() const;
  /// Messages that no actor accepted; if it is not 0, there is a defect.
  std::uint64_t unexpected_messages() const;

  /// Asks every actor to stop, youngest first, and waits until all have ended. After `grace`, an
  /// error names those that have not. No actor can be started afterwards.
  Result<> shutdown(Duration grace);

  static constexpr Duration shutdown_grace = 5s;

 protected:
  struct State;
  ActorSystem(std::unique_ptr<State> state, IoPool::Limits io);
  State& state() { return *state_; }
  virtual void settle();

 private:
  friend class Shell;
  void stop_all();

  std::unique_ptr<State> state_;
  IoPool io_;
};

}  // namespace troupe
