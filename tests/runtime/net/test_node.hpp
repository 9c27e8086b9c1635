#pragma once

#include "runtime/net/link.hpp"
#include "runtime/os/clock.hpp"

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace troupe {

/// Times that let a test of real sockets end in well under a second.
inline LinkConfig quick_link(const std::string& self, std::uint64_t incarnation = 1,
                             const std::string& cluster = "c") {
  LinkConfig config;
  config.session.cluster = ClusterName(cluster);
  config.session.self = NodeId(self);
  config.session.incarnation = Incarnation(incarnation);
  config.session.heartbeat = 50ms;
  config.session.lease = 2s;
  config.session.lease_margin = 200ms;
  config.session.closed_grace = 400ms;
  return config;
}

/// A node that is nothing but its link, and writes down what it hears.
class TestNode final : public LinkListener {
 public:
  TestNode(LinkConfig config, const KeyRing& keys)
      : self(config.session.self),
        link(Link::open(std::move(config), keys, *this, metrics, system_clock().now()).value()) {}

  void on_frame(const NodeId& peer, Frame frame) override {
    frames.push_back(peer.value() + ":" + std::string(frame.to()));
    last_frame = std::move(frame);
  }
  void on_data(const NodeId&, DataFrame frame) override { data.push_back(std::move(frame)); }
  void on_peer(const NodeId& peer, const PeerEvent& event) override {
    events.push_back(peer.value() + " " + name_of(event));
  }

  void poll() {
    link->wait(1ms);
    link->poll(system_clock().now());
  }
  Frame message(const std::string& to) const {
    return Frame::make<schema::ClockStamp>({.cluster = ClusterName("c"), .sender = self}, to,
                                           [](schema::ClockStamp::Builder) {});
  }
  bool heard(const std::string& event) const {
    for (const auto& one : events) {
      if (one.starts_with(event)) return true;
    }
    return false;
  }
  std::uint64_t refused(Refusal refusal) {
    return metrics.counter("troupe_frames_refused_total", "", {{"reason", to_string(refusal)}})
        .value();
  }
  std::uint64_t count(const char* counter) { return metrics.counter(counter, "").value(); }

  const NodeId self;
  Metrics metrics;
  std::vector<std::string> frames;
  std::vector<std::string> events;
  std::vector<DataFrame> data;
  Frame last_frame;
  std::unique_ptr<Link> link;

 private:
  static std::string name_of(const PeerEvent& event) {
    using namespace session_effect;
    if (auto* up = std::get_if<Up>(&event)) return fmt::format("up {}", up->incarnation);
    if (auto* down = std::get_if<Down>(&event)) {
      return fmt::format("down {}: {}", to_string(down->reason), down->text);
    }
    if (auto* fenced = std::get_if<session_effect::Fenced>(&event))
      return "fenced: " + fenced->text;
    if (auto* no = std::get_if<Rejected>(&event)) return "rejected: " + no->text;
    if (std::get_if<Closed>(&event) != nullptr) return "closed";
    if (std::get_if<Resumed>(&event) != nullptr) return "resumed";
    if (std::get_if<LeaseEnded>(&event) != nullptr) return "lease ended";
    if (std::get_if<DataLost>(&event) != nullptr) return "data lost";
    return "lease";
  }
};

/// Polls all nodes until `done`, for at most `max` of real time; false when it did not happen.
inline bool eventually(const std::vector<TestNode*>& nodes, const std::function<bool()>& done,
                       Duration max = 5s) {
  const Instant end = system_clock().now() + max;
  while (!done()) {
    if (system_clock().now() > end) return false;
    for (auto* node : nodes) node->poll();
  }
  return true;
}

}  // namespace troupe
