#pragma once

#include "actors/system/actor_system.hpp"

#include <caf/actor.hpp>
#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/event_based_actor.hpp>

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <optional>

// The only header that shows CAF; for the sources of this room.

namespace troupe {

/// The message type that CAF carries: our messages, and the shell's own orders.
struct Envelope {
  enum class Kind { start, message, timer, stop };
  Kind kind = Kind::message;
  Message message;
  TimerId timer = 0;
};

/// The cell of an actor of this process.
class LocalCell : public ActorCell {
 public:
  using ActorCell::ActorCell;
  /// Called once, before anybody else has the cell.
  void attach(caf::actor actor) { actor_ = std::move(actor); }
  void send(Message message, Priority priority) override;
  void stop() override;

 private:
  caf::actor actor_;
};

struct ActorSystem::State {
  State(ActorSystem& owner, std::unique_ptr<caf::actor_system_config> config);

  ActorSystem& owner;
  std::unique_ptr<caf::actor_system_config> config;
  std::unique_ptr<caf::actor_system> caf;
  std::unique_ptr<Clock> clock;  ///< set in a stepped system; else the machine's clock counts
  std::atomic<std::uint64_t> last_id{0};
  std::atomic<std::uint64_t> unexpected{0};
  mutable std::mutex mutex;
  bool closed = false;
  std::map<ActorId, std::shared_ptr<LocalCell>> live;
};

/// The CAF actor around one of ours.
class Shell : public caf::event_based_actor {
 public:
  Shell(caf::actor_config& config, ActorSystem::State* state, std::shared_ptr<LocalCell> cell,
        std::shared_ptr<std::unique_ptr<Actor>> actor);

  ActorSystem& system_of() const { return state_->owner; }
  ActorHandle handle() const { return ActorHandle(cell_); }
  void wake_after(Duration delay, TimerId timer);
  void finish(std::optional<Error> error);
  void on_exit() override;

 protected:
  caf::behavior make_behavior() override;

 private:
  void take(const Envelope& envelope);
  void handle(const Envelope& envelope);
  void release();

  ActorSystem::State* const state_;
  std::shared_ptr<LocalCell> cell_;
  std::unique_ptr<Actor> actor_;
  bool started_ = false;
  bool finished_ = false;
  std::optional<Error> error_;
};

}  // namespace troupe

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::Envelope)
