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

/// Makes proxies of actors of other nodes. A proxy takes messages like any actor and sends them as
/// frames; it ends when the conversation with its node ends. So its watchers see a node that dies,
/// freezes or is cut off as the `Down` of an actor, and code that holds a `Ref` need not know where
/// the actor runs.
///
/// Owned by the node, beside its link; any thread.
/// Invariant: a proxy belongs to one conversation with one incarnation. It never speaks in another:
/// after a break that the conversation survives, each message arrives once; after the end of the
/// conversation, messages are dropped.
class Proxies {
 public:
  /// Makes the frame to the actor from a message that it accepts.
  using Encode = std::function<Frame(const Message&)>;

  Proxies(ActorSystem& system, PeerWire& wire) : system_(system), wire_(wire) {}

  /// A proxy of the actor that `encode` addresses. It has ended already if there is no conversation
  /// with this incarnation now.
  ActorHandle make(const NodeId& peer, Incarnation incarnation, const std::string& actor,
                   Encode encode);

  /// Hears what the link says of `peer`. Call it before any other handler: those may make proxies.
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
