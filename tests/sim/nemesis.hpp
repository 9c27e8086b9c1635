#pragma once

#include "tests/sim/world.hpp"

namespace troupe::sim {

/// What goes wrong, when, and for how long; all from the seed. A seed has its own mix: many have
/// one kind of fault only, so that one is not hidden by another.
class Nemesis {
 public:
  explicit Nemesis(World& world);
  void begin();

 private:
  enum class Fault {
    kill,
    kill_coordinator,
    freeze,
    partition,
    one_way,
    reset,
    slow,
    ghost,
    rot,
    disk_full,
    store_fails,
    clock_jump,
    cut,
    black_out,
    storage_away,
  };
  static constexpr int faults = 15;

  void step();
  void strike(Fault fault);
  NodeIndex any_node();
  std::pair<NodeIndex, NodeIndex> any_pair();
  void rot_something(NodeIndex node);
  void replay_something();

  World& world_;
  Random random_;
  std::vector<Fault> mix_;
  Duration pause_;
};

}  // namespace troupe::sim
