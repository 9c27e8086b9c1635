#include "actors/link/proxies.hpp"

#include "actors/system/actor_cell.hpp"

#include <utility>

namespace troupe {
namespace {

class Proxy final : public ActorCell {
 public:
  Proxy(ActorId id, std::string name, NodeId peer, PeerWire& wire, Proxies::Encode encode)
      : ActorCell(id, std::move(name)),
        peer_(std::move(peer)),
        wire_(wire),
        encode_(std::move(encode)) {}

  /// Ignores the priority: frames to a node keep their order.
  void send(Message message, Priority) override {
    if (ended()) return;
    // The wire refuses it if the conversation has just ended; watchers are being told of that.
    (void)wire_.send(peer_, encode_(message));
  }
  /// An actor of another node is stopped by its own supervisor, not from here.
  void stop() override {}

 private:
  const NodeId peer_;
  PeerWire& wire_;
  const Proxies::Encode encode_;
};

}  // namespace

ActorHandle Proxies::make(const NodeId& peer, Incarnation incarnation, const std::string& actor,
                          Encode encode) {
  auto proxy = std::make_shared<Proxy>(system_.next_id(), fmt::format("{}/{}", peer, actor), peer,
                                       wire_, std::move(encode));
  // Looked up and added under one lock: a conversation that ends in between would miss the proxy.
  const std::lock_guard lock(mutex_);
  const auto found = conversations_.find(peer);
  if (found == conversations_.end() || found->second.incarnation != incarnation) {
    proxy->end(make_error(ErrorCode::unavailable, "there is no session with it"));
    return ActorHandle(std::move(proxy));
  }
  auto& proxies = found->second.proxies;
  std::erase_if(proxies, [](const auto& known) { return known.expired(); });
  proxies.push_back(proxy);
  return ActorHandle(std::move(proxy));
}

void Proxies::on_peer(const NodeId& peer, const PeerEvent& event) {
  if (const auto* up = std::get_if<session_effect::Up>(&event)) {
    end(peer, "another conversation began");
    const std::lock_guard lock(mutex_);
    conversations_[peer] = {up->incarnation, {}};
  } else if (const auto* down = std::get_if<session_effect::Down>(&event)) {
    end(peer, down->text);
  }
}

void Proxies::end(const NodeId& peer, const std::string& why) {
  std::vector<std::weak_ptr<ActorCell>> ending;
  {
    const std::lock_guard lock(mutex_);
    if (auto over = conversations_.extract(peer)) ending = std::move(over.mapped().proxies);
  }
  // Without the lock: it sends messages to the watchers.
  for (const auto& weak : ending) {
    if (const auto proxy = weak.lock()) proxy->end(make_error(ErrorCode::unavailable, "{}", why));
  }
}

}  // namespace troupe
