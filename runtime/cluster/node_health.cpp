#include "runtime/cluster/node_health.hpp"

#include <algorithm>
#include <utility>

namespace troupe {

bool NodeHealth::on_fault(Instant now, std::string reason) {
  // Tasks that it was given before may still fail. That is nothing new.
  if (state_ == State::resting) return false;
  if (state_ == State::trusted) {
    while (!faults_.empty() && faults_.front() + node_fault_window <= now) faults_.pop_front();
    faults_.push_back(now);
    if (faults_.size() < node_faults_max) return false;
  }
  faults_.clear();
  rest_ = std::clamp(rest_ * 2, node_rest_min, node_rest_max);
  until_ = now + rest_;
  reason_ = std::move(reason);
  state_ = State::resting;
  return true;
}

bool NodeHealth::on_tick(Instant now) {
  if (state_ == State::trusted || until_ > now) return false;
  if (state_ == State::resting) {
    state_ = State::on_trial;
    until_ = now + rest_;
    return true;
  }
  *this = {};
  return false;
}

std::optional<Instant> NodeHealth::next_deadline() const {
  if (state_ == State::trusted) return {};
  return until_;
}

}  // namespace troupe
