#include "tests/runtime/host/two_planes.hpp"

namespace troupe {

class TwoPlanes::Wire : public PeerWire {
 public:
  Wire(TwoPlanes& planes, NodeId self) : planes_(planes), self_(std::move(self)) {}
  Result<> send(const NodeId& peer, Frame frame) override {
    if (!planes_.up_) return make_error(ErrorCode::unavailable, "no session");
    planes_.transit_.push_back({self_, peer, std::move(frame), {}});
    return {};
  }
  Result<> send_data(const NodeId& peer, DataFrame frame) override {
    if (!planes_.up_) return make_error(ErrorCode::unavailable, "no session");
    planes_.transit_.push_back({self_, peer, {}, std::move(frame)});
    return {};
  }
  Result<> connect(const NodeId&, const std::string&, bool) override { return {}; }

 private:
  TwoPlanes& planes_;
  const NodeId self_;
};

TwoPlanes::TwoPlanes() {
  std::uint64_t incarnation = 0;
  for (const char* name : {"a", "b"}) {
    const NodeId node(name);
    wires_[node] = std::make_unique<Wire>(*this, node);
    planes_[node] = DataPlane::over(*wires_[node], metrics, clock_, ClusterName("c"), node,
                                    Incarnation(++incarnation));
  }
}

void TwoPlanes::up(Incarnation a, Incarnation b) {
  up_ = true;
  planes_.at(NodeId("a"))->hear_peer(NodeId("b"), session_effect::Up{b});
  planes_.at(NodeId("b"))->hear_peer(NodeId("a"), session_effect::Up{a});
}

void TwoPlanes::down() {
  up_ = false;
  transit_.clear();
  const session_effect::Down gone{DownReason::closed, "its connection closed", Incarnation(2)};
  planes_.at(NodeId("a"))->hear_peer(NodeId("b"), gone);
  planes_.at(NodeId("b"))->hear_peer(NodeId("a"), gone);
}

void TwoPlanes::lose() {
  std::erase_if(transit_, [](const Transit& each) { return static_cast<bool>(each.data); });
  planes_.at(NodeId("a"))->hear_peer(NodeId("b"), DataLost{"a data connection closed"});
}

void TwoPlanes::deliver() {
  while (!transit_.empty()) {
    Transit next = std::move(transit_.front());
    transit_.pop_front();
    if (next.data) {
      planes_.at(next.to)->hear_data(next.from, std::move(next.data));
      continue;
    }
    ++frames;
    if (next.frame.to() == data_address) {
      planes_.at(next.to)->hear(next.from, next.frame);
    } else {
      other(next.from, next.to, next.frame);
    }
  }
}

RemoteEnd TwoPlanes::seen_from_a(std::uint32_t to) const {
  return {{NodeId("b"), Incarnation(2), "tcp://b"},
          {RunId(7), channel_id(0, 0, to), Attempt(3), Attempt(4)}};
}

RemoteEnd TwoPlanes::seen_from_b(std::uint32_t from) const {
  return {{NodeId("a"), Incarnation(1), "tcp://a"},
          {RunId(7), channel_id(0, from, 0), Attempt(3), Attempt(4)}};
}

}  // namespace troupe
