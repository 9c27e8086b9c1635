#pragma once

#include "actors/system/actor_handle.hpp"

#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

namespace troupe {

/// The object behind a handle: an actor of this process, or a proxy of one elsewhere.
///
/// It knows the watchers of the actor and tells each of them once, with high priority, when the
/// actor has ended; a watcher that comes later is told at once. So the death of a local actor and
/// the end of a remote node look the same.
class ActorCell : public std::enable_shared_from_this<ActorCell> {
 public:
  ActorCell(ActorId id, std::string name) : id_(id), name_(std::move(name)) {}
  virtual ~ActorCell() = default;

  ActorId id() const { return id_; }
  const std::string& name() const { return name_; }
  bool ended() const { return ended_.load(std::memory_order_acquire); }

  virtual void send(Message message, Priority priority) = 0;
  virtual void stop() = 0;

  /// `watcher` gets `Watched{number, down}` when this actor ends.
  void watch(const std::shared_ptr<ActorCell>& watcher, std::uint64_t number);
  void unwatch(const ActorCell& watcher, std::uint64_t number);
  /// The actor has ended. Only the first call counts.
  void end(std::optional<Error> error);

 private:
  struct Watcher {
    std::weak_ptr<ActorCell> cell;
    ActorId id;
    std::uint64_t number = 0;
  };

  const ActorId id_;
  const std::string name_;
  std::atomic<bool> ended_{false};
  std::mutex mutex_;
  std::vector<Watcher> watchers_;
  std::optional<Error> error_;
};

/// Sent to a watcher: the actor that it watches under this number has ended.
struct Watched {
  std::uint64_t number = 0;
  Down down;
};

}  // namespace troupe
