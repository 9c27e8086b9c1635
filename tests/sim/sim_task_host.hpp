#pragma once

#include "runtime/exec/task_host.hpp"
#include "tests/sim/world.hpp"

#include <algorithm>
#include <functional>
#include <memory>
#include <optional>
#include <utility>

namespace troupe::sim {

/// Wakes a task by an event of the loop, and runs its offloaded calls as events that come later: a
/// worker and an I/O pool, in one thread.
class SimTaskHost final : public TaskHost, public std::enable_shared_from_this<SimTaskHost> {
 public:
  SimTaskHost(World& world, NodeIndex node)
      : world_(world), node_(node), generation_(world.loop.generation(node)) {}

  /// What runs the task, once it has begun.
  void attach(std::function<void()> turn) { turn_ = std::move(turn); }
  void begin() {
    begun_ = true;
    wake();
  }
  /// Nothing runs it any more.
  void leave() { turn_ = nullptr; }
  int away() const { return away_; }

  void wake() override {
    if (!begun_ || dead() || std::exchange(woken_, true)) return;
    world_.loop.after(node_, world_.between(5us, 100us), [self = shared_from_this()] {
      self->woken_ = false;
      // It may leave meanwhile.
      const auto turn = self->turn_;
      if (turn) turn();
    });
  }
  void wake_at(Instant time) override {
    if (dead() || (timer_ && *timer_ <= time)) return;
    timer_ = time;
    world_.loop.after(node_, std::max(Duration(0), time - world_.clock(node_)),
                      [self = shared_from_this(), time] {
                        if (self->timer_ == time) self->timer_.reset();
                        self->wake();
                      });
  }
  void offload(std::function<void()> work) override {
    if (dead()) return;
    ++away_;
    world_.loop.after(node_, world_.between(20us, world_.disk_max()),
                      [self = shared_from_this(), work = std::move(work)] {
                        work();
                        if (--self->away_ == 0) self->wake();
                      });
  }

 private:
  /// Another process has taken the place of its own.
  bool dead() const { return world_.loop.generation(node_) != generation_; }

  World& world_;
  const NodeIndex node_;
  const std::uint64_t generation_;
  std::function<void()> turn_;
  int away_ = 0;
  bool begun_ = false;
  bool woken_ = false;
  std::optional<Instant> timer_;
};

}  // namespace troupe::sim
