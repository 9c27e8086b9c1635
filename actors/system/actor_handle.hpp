#pragma once

#include "actors/system/message.hpp"
#include "runtime/base/ids.hpp"
#include "runtime/base/result.hpp"

#include <memory>
#include <optional>
#include <string>
#include <type_traits>

namespace troupe {

/// The number of an actor of this process, in the order of their starts.
using ActorId = Counter<struct ActorIdTag>;

/// An actor has ended: by itself, by a failure, or because its node is gone.
struct Down {
  ActorId id;
  std::string name;
  std::optional<Error> error;  ///< none: it ended as intended
};

class ActorCell;

/// Names an actor, here or on another node, and reaches it from any thread. A handle does not keep
/// the actor running; messages to an ended actor are dropped.
class ActorHandle {
 public:
  ActorHandle() = default;
  explicit ActorHandle(std::shared_ptr<ActorCell> cell) : cell_(std::move(cell)) {}

  ActorId id() const;
  const std::string& name() const;
  void send(Message message, Priority priority = Priority::normal) const;
  /// Asks it to end: high priority, no answer.
  void stop() const;
  bool ended() const;
  explicit operator bool() const { return cell_ != nullptr; }
  const std::shared_ptr<ActorCell>& cell() const { return cell_; }

  friend bool operator==(const ActorHandle&, const ActorHandle&) = default;

 private:
  std::shared_ptr<ActorCell> cell_;
};

/// An actor that accepts these messages; sending it another one does not compile.
template <class... Accepted>
class Ref {
 public:
  Ref() = default;
  explicit Ref(ActorHandle handle) : handle_(std::move(handle)) {}

  template <class T>
  void tell(T message, Priority priority = Priority::normal) const {
    static_assert((std::is_same_v<T, Accepted> || ...), "that actor does not accept this message");
    handle_.send(Message::of(std::move(message)), priority);
  }
  const ActorHandle& handle() const { return handle_; }
  explicit operator bool() const { return static_cast<bool>(handle_); }

 private:
  ActorHandle handle_;
};

}  // namespace troupe
