#include "runtime/graph/planner.hpp"

#include <algorithm>
#include <utility>

namespace troupe {

Result<std::shared_ptr<const DerivedPlan>> Planner::derive(const std::string& plan,
                                                           const PlanTarget& target) {
  if (auto known = find(
          [&](const DerivedPlan& each) { return each.target == target && each.plan == plan; })) {
    return known;
  }
  auto derived = std::make_shared<DerivedPlan>();
  derived->job = TRY(decode_plan(plan));
  derived->tasks = TRY(plan_tasks(derived->job, registry_, target));
  derived->plan = plan;
  derived->target = target;
  remember(derived);
  return std::shared_ptr<const DerivedPlan>(std::move(derived));
}

Result<std::shared_ptr<const DerivedPlan>> Planner::derive(const std::string& plan) {
  if (auto known = find([&](const DerivedPlan& each) { return each.plan == plan; })) return known;
  return derive(plan, PlanTarget{1, false});
}

std::uint32_t Planner::count_tasks(const std::string& plan, const PlanTarget& target) {
  const auto derived = derive(plan, target);
  if (!derived) return 0;
  std::uint32_t count = 0;
  for (const Stage& stage : (*derived)->tasks.stages) count += stage.parallelism;
  return count;
}

template <class Matches>
std::shared_ptr<const DerivedPlan> Planner::find(const Matches& matches) {
  const std::lock_guard lock(mutex_);
  const auto found =
      std::find_if(known_.begin(), known_.end(), [&](const auto& each) { return matches(*each); });
  if (found == known_.end()) return nullptr;
  known_.splice(known_.begin(), known_, found);
  return known_.front();
}

/// Two threads may have derived the same: then it is there twice for a while, and nothing is wrong.
void Planner::remember(std::shared_ptr<const DerivedPlan> derived) {
  const std::lock_guard lock(mutex_);
  known_bytes_ += derived->plan.size();
  known_.push_front(std::move(derived));
  while (known_.size() > remembered_plans_max || known_bytes_ > remembered_plan_bytes_max) {
    known_bytes_ -= known_.back()->plan.size();
    known_.pop_back();
  }
}

}  // namespace troupe
