#include "runtime/base/restart_policy.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace troupe {

namespace {

/// From any first delay to any longest one.
constexpr std::size_t doublings_max = 64;

Duration backed_off(const RestartLimits& limits, std::size_t earlier, std::uint64_t chance) {
  Duration delay = limits.initial_delay;
  for (std::size_t i = 0; i < earlier && delay < limits.max_delay; ++i) delay *= 2;
  delay = std::min(delay, limits.max_delay);
  // Tasks that failed together must not come back together: chance takes up to half off.
  const auto half = static_cast<std::uint64_t>(delay.count()) / 2;
  return delay - Duration(half == 0 ? 0 : chance % half);
}

}  // namespace

RestartDecision RestartPolicy::on_lost_node(Instant now, std::uint64_t chance) {
  while (!lost_.empty() && lost_.front() + limits_.window <= now) lost_.pop_front();
  const std::size_t earlier = lost_.size();
  if (earlier < limits_.attempts + doublings_max) lost_.push_back(now);
  if (earlier < limits_.attempts) return {true, {}, ""};
  return {true, backed_off(limits_, earlier - limits_.attempts, chance), ""};
}

RestartDecision RestartPolicy::on_failure(FailureClass failure, Instant now, std::uint64_t chance) {
  switch (failure) {
    case FailureClass::user_error:
    case FailureClass::poison_record:
    case FailureClass::state_lost:
      return {false, {}, fmt::format("a {} is not retried", to_string(failure))};
    case FailureClass::node_lost:
      return on_lost_node(now, chance);
    default:
      break;
  }
  while (!restarts_.empty() && restarts_.front() + limits_.window <= now) restarts_.pop_front();
  if (restarts_.size() >= limits_.attempts) {
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(limits_.window).count();
    return {
        false, {}, fmt::format("{} restarts within {} s are used up", limits_.attempts, seconds)};
  }
  const std::size_t earlier = restarts_.size();
  restarts_.push_back(now);
  if (failure == FailureClass::node_fault) return {true, {}, ""};
  return {true, backed_off(limits_, earlier, chance), ""};
}

}  // namespace troupe
