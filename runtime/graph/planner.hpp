#pragma once

#include "runtime/graph/task_graph.hpp"

#include <cstddef>
#include <list>
#include <memory>
#include <mutex>
#include <string>

namespace troupe {

/// A plan and what is derived from it. Never changed: several runs use it at the same time.
struct DerivedPlan {
  std::string plan;  ///< `encode_plan` of `job`
  PlanTarget target;
  JobGraph job;
  TaskGraph tasks;  ///< without splits: they are of one run
};

/// Derives task graphs from plans, and remembers the last ones. Deriving takes milliseconds, and
/// all on one node that have to do with a run need the same graph: who submits it, deals out its
/// splits, runs its tasks, commits, cleans up, and shows it. A job that runs again has the same
/// plan as before. Nothing but the plan and the target goes in, so what is remembered stays true.
///
/// Owned by the node; safe from any thread.
class Planner {
 public:
  /// `registry` outlives it and all plans.
  explicit Planner(const OperatorRegistry& registry) : registry_(registry) {}

  Result<std::shared_ptr<const DerivedPlan>> derive(const std::string& plan,
                                                    const PlanTarget& target);
  /// For any target: sources and sinks are the same for all of them.
  Result<std::shared_ptr<const DerivedPlan>> derive(const std::string& plan);
  /// How many tasks a plan makes for a target; 0 where it makes none.
  std::uint32_t count_tasks(const std::string& plan, const PlanTarget& target);

  const OperatorRegistry& registry() const { return registry_; }

 private:
  using Known = std::list<std::shared_ptr<const DerivedPlan>>;

  template <class Matches>
  std::shared_ptr<const DerivedPlan> find(const Matches& matches);
  void remember(std::shared_ptr<const DerivedPlan> derived);

  const OperatorRegistry& registry_;
  std::mutex mutex_;
  Known known_;  ///< the last used first
  std::size_t known_bytes_ = 0;
};

/// Plans that a planner remembers, and the bytes of all of them together. A graph takes some ten
/// times the bytes of its plan.
inline constexpr std::size_t remembered_plans_max = 32;
inline constexpr std::size_t remembered_plan_bytes_max = 1 << 20;

}  // namespace troupe
