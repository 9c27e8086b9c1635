#pragma once

#include "runtime/base/ensure.hpp"
#include "runtime/base/time.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <queue>
#include <vector>

namespace troupe::sim {

using NodeIndex = std::size_t;

/// Time and order of a simulated cluster: one queue of what happens when, and to whose process.
///
/// What belongs to a node happens only while its process lives: a killed process takes what it had
/// planned with it, a frozen one does it all when it thaws. One thread, no clock: the same events
/// give the same order.
class Loop {
 public:
  explicit Loop(std::size_t nodes) : processes_(nodes) {}

  Instant now() const { return now_; }

  /// Belongs to the world: happens in any case.
  void at(Instant when, std::function<void()> what) {
    put({when, next_++, {}, 0, std::move(what)});
  }
  void after(Duration delay, std::function<void()> what) { at(now_ + delay, std::move(what)); }
  /// Belongs to the process that runs on this node now.
  void after(NodeIndex node, Duration delay, std::function<void()> what) {
    put({now_ + delay, next_++, node, processes_[node].generation, std::move(what)});
  }

  /// A new process takes the place of the old one, whose plans are gone.
  void replace(NodeIndex node) {
    ++processes_[node].generation;
    processes_[node].frozen_until = {};
  }
  void freeze(NodeIndex node, Duration length) { processes_[node].frozen_until = now_ + length; }
  void thaw(NodeIndex node) { processes_[node].frozen_until = {}; }
  bool frozen(NodeIndex node) const { return processes_[node].frozen_until > now_; }
  std::uint64_t generation(NodeIndex node) const { return processes_[node].generation; }

  /// What a dead process had planned is being taken apart.
  bool burying() const { return burying_; }

  /// Does the next thing. False: there is nothing, or nothing before `end`.
  bool step(Instant end) {
    if (queue_.empty() || queue_.top().when > end) return false;
    Planned next = std::move(const_cast<Planned&>(queue_.top()));
    queue_.pop();
    now_ = next.when;
    if (!next.node) {
      next.what();
      return true;
    }
    const Process& process = processes_[*next.node];
    if (process.generation != next.generation) {
      // What it holds is taken apart here, and must not be heard of.
      burying_ = true;
      next.what = nullptr;
      burying_ = false;
      return true;
    }
    if (process.frozen_until > now_) {
      next.when = process.frozen_until;
      put(std::move(next));
      return true;
    }
    next.what();
    return true;
  }

 private:
  struct Process {
    std::uint64_t generation = 0;
    Instant frozen_until = {};
  };
  struct Planned {
    Instant when;
    std::uint64_t order;
    std::optional<NodeIndex> node;
    std::uint64_t generation;
    std::function<void()> what;
  };
  struct Later {
    bool operator()(const Planned& a, const Planned& b) const {
      return a.when != b.when ? a.when > b.when : a.order > b.order;
    }
  };
  void put(Planned planned) { queue_.push(std::move(planned)); }

  Instant now_ = Instant(1s);
  std::uint64_t next_ = 0;
  bool burying_ = false;
  std::vector<Process> processes_;
  std::priority_queue<Planned, std::vector<Planned>, Later> queue_;
};

}  // namespace troupe::sim
