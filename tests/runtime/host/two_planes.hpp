#pragma once

#include "runtime/host/data_plane.hpp"
#include "tests/runtime/exec/fakes.hpp"
#include "tests/runtime/host/stepped_run.hpp"

#include <deque>
#include <functional>
#include <map>
#include <memory>

namespace troupe {

/// Two nodes, "a" and "b", whose data planes hear each other when the test says so.
class TwoPlanes {
 public:
  TwoPlanes();

  /// The session between them begins.
  void up(Incarnation a = Incarnation(1), Incarnation b = Incarnation(2));
  void down();
  /// The data connection from "a" to "b" closes within the session, with what was on it.
  void lose();
  /// Delivers everything that is on its way.
  void deliver();

  DataPlane& a() { return *planes_.at(NodeId("a")); }
  DataPlane& b() { return *planes_.at(NodeId("b")); }
  std::shared_ptr<DataPlane> plane(const std::string& node) { return planes_.at(NodeId(node)); }
  /// The channel of run 7 from a task on "a" to one on "b", as each end sees it.
  RemoteEnd seen_from_a(std::uint32_t to = 0) const;
  RemoteEnd seen_from_b(std::uint32_t from = 0) const;

  Metrics metrics;
  std::uint64_t frames = 0;  ///< control frames that were delivered
  /// Frames to other addresses than the data plane's.
  std::function<void(const NodeId& from, const NodeId& to, const Frame&)> other;

 private:
  class Wire;
  struct Transit {
    NodeId from, to;
    Frame frame;
    DataFrame data;
  };

  StillClock clock_;
  std::deque<Transit> transit_;
  bool up_ = false;
  std::map<NodeId, std::unique_ptr<PeerWire>> wires_;
  std::map<NodeId, std::shared_ptr<DataPlane>> planes_;
};

}  // namespace troupe
