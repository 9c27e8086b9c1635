#include "runtime/operator/operator_kind.hpp"

#include <algorithm>

namespace troupe {

const char* to_string(ExchangeKind kind) {
  switch (kind) {
    case ExchangeKind::forward:
      return "forward";
    case ExchangeKind::hash:
      return "hash";
    case ExchangeKind::range:
      return "range";
    case ExchangeKind::broadcast:
      return "broadcast";
    case ExchangeKind::rebalance:
      return "rebalance";
    case ExchangeKind::gather:
      return "gather";
  }
  return "forward";
}

std::optional<PlanPort> OperatorPlan::port(const std::string& name) const {
  if (name.empty() && !phases.back().outputs.empty()) {
    return PlanPort{"", static_cast<int>(phases.size()) - 1, 0};
  }
  for (const PlanPort& port : ports) {
    if (port.name == name) return port;
  }
  return std::nullopt;
}

void OperatorPlan::take_off_hidden(const std::vector<PlanInput>& inputs) {
  for (Phase& phase : phases) {
    phase.hidden_taken_off.assign(phase.inputs.size(), 0);
    for (std::size_t i = 0; i < phase.inputs.size(); ++i) {
      const PhaseInput& input = phase.inputs[i];
      if (input.origin != PhaseInput::Origin::input) continue;
      phase.hidden_taken_off[i] =
          hidden_columns(inputs[static_cast<std::size_t>(input.index)].flow);
    }
  }
}

void OperatorRegistry::add(std::unique_ptr<OperatorKind> kind) {
  const std::string& name = kind->description().name;
  ENSURE(!find(name), "two operators are called '{}'", name);
  const auto place = std::upper_bound(
      kinds_.begin(), kinds_.end(), name,
      [](const auto& word, const auto& other) { return word < other->description().name; });
  kinds_.insert(place, std::move(kind));
}

const OperatorKind* OperatorRegistry::find(const std::string& name) const {
  for (const auto& kind : kinds_) {
    if (kind->description().name == name) return kind.get();
  }
  return nullptr;
}

std::vector<const OperatorKind*> OperatorRegistry::all() const {
  std::vector<const OperatorKind*> kinds;
  for (const auto& kind : kinds_) kinds.push_back(kind.get());
  return kinds;
}

}  // namespace troupe
