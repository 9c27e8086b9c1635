#pragma once

#include "actors/system/actor_system.hpp"
#include "runtime/host/peer_wire.hpp"
#include "runtime/net/link.hpp"

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace troupe {

/// Stands in for actors of other nodes. A proxy is told things like any actor, and they leave as
/// frames; it ends when the conversation with its node does. So whoever watches one sees the death
/// of a node, its freeze or a cut as the `Down` of an actor, and code that holds a `Ref` need not
/// know where the actor runs.
///
/// Owned by the node, beside its link; any thread.
/// Invariant: a proxy belongs to one conversation with one incarnation. It never speaks in another:
/// what was said before a break without an end arrives once, what comes after an end is dropped.
class Proxies {
 public:
  /// Writes a message that the actor accepts as a frame to it.
  using Encode = std::function<Frame(const Message&)>;

  Proxies(ActorSystem& system, PeerWire& wire) : system_(system), wire_(wire) {}

  /// A proxy of the actor that `encode` addresses; one that has ended where there is no
  /// conversation with this incarnation now.
  ActorHandle make(const NodeId& peer, Incarnation incarnation, const std::string& actor,
                   Encode encode);

  /// What the link says of `peer`, before anybody else is told.
  void on_peer(const NodeId& peer, const PeerEvent& event);

 private:
  struct Conversation {
    Incarnation incarnation;
    std::vector<std::weak_ptr<ActorCell>> proxies;
  };

  void end(const NodeId& peer, const std::string& why);

  ActorSystem& system_;
  PeerWire& wire_;
  std::mutex mutex_;
  std::map<NodeId, Conversation> conversations_;
};

}  // namespace troupe
