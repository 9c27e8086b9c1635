#include "runtime/cluster/admission_machine.hpp"

#include "runtime/base/ensure.hpp"

namespace troupe {

void AdmissionMachine::on(const AdmissionEvent& event) {
  settled_ = false;
  std::visit([this](const auto& each) { handle(each); }, event);
}

// ---- what runs want

void AdmissionMachine::handle(const effect::Need& need) {
  ENSURE(!held_.contains(need.claim), "region {} of run {} asks for slots and has some",
         need.claim.region, need.claim.run);
  const auto known = waiting_.find(need.claim);
  const std::uint64_t passed = known == waiting_.end() ? 0 : known->second.passed;
  stop_waiting(need.claim);
  const Shape shape{need.avoided, need.slots};
  waiting_[need.claim] = {shape, passed};
  waiting_by_[shape].insert(need.claim);
}

void AdmissionMachine::handle(const effect::Hold& hold_slots) {
  ENSURE(!waiting_.contains(hold_slots.claim), "region {} of run {} waits for slots and has some",
         hold_slots.claim.region, hold_slots.claim.run);
  hold(hold_slots.claim, hold_slots.nodes);
}

void AdmissionMachine::handle(const effect::Free& free) {
  stop_waiting(free.claim);
  const auto freed = held_.extract(free.claim);
  if (!freed) return;
  for (const NodeId& node : freed.mapped()) count(node, -1);
}

void AdmissionMachine::stop_waiting(const Claim& claim) {
  const auto known = waiting_.find(claim);
  if (known == waiting_.end()) return;
  const auto line = waiting_by_.find(known->second.shape);
  line->second.erase(claim);
  if (line->second.empty()) waiting_by_.erase(line);
  waiting_.erase(known);
}

void AdmissionMachine::hold(const Claim& claim, std::vector<NodeId> nodes) {
  for (const NodeId& node : nodes) count(node, 1);
  const bool fresh = held_.emplace(claim, std::move(nodes)).second;
  ENSURE(fresh, "region {} of run {} is given slots twice", claim.region, claim.run);
}

void AdmissionMachine::count(const NodeId& node, std::int64_t slots) {
  const std::int64_t used = used_[node] += slots;
  ENSURE(used >= 0, "node {} has {} slots in use", node, used);
  if (used == 0) used_.erase(node);
  const auto member = view_.nodes.find(node);
  if (member != view_.nodes.end()) member->second.used = static_cast<std::uint32_t>(used);
}

// ---- what becomes of nodes

void AdmissionMachine::handle(const admission_event::NodeChanged& changed) {
  const NodeId& name = changed.node.node;
  view_.nodes.insert_or_assign(name, changed.node);
  const auto used = used_.find(name);
  view_.nodes.at(name).used = used == used_.end() ? 0 : static_cast<std::uint32_t>(used->second);
}

void AdmissionMachine::handle(const admission_event::NodeGone& gone) {
  view_.nodes.erase(gone.node);
}

// ---- grants

std::optional<Grant> AdmissionMachine::next_grant() {
  if (settled_) return {};
  const auto claim = first_that_fits();
  if (!claim) {
    settled_ = true;
    return {};
  }
  const bool passes = *claim != waiting_.begin()->first;
  const auto& [avoided, slots] = waiting_.at(*claim).shape;
  Grant grant{*claim, place(slots, view_, avoided, passes ? kept_for_first() : std::set<NodeId>())};
  if (passes) ++waiting_.begin()->second.passed;
  stop_waiting(*claim);
  hold(grant.claim, grant.nodes);
  return grant;
}

std::optional<Claim> AdmissionMachine::first_that_fits() const {
  if (waiting_.empty()) return {};
  const auto& [first, waits] = *waiting_.begin();
  if (room_for(waits.shape.first, view_).fits(waits.shape.second)) return first;
  const std::set<NodeId> kept = kept_for_first();
  std::optional<Claim> best;
  const std::set<NodeProcess>* avoided = nullptr;
  Room room;
  // Shapes that avoid the same nodes stand together, and have the same room.
  for (const auto& [shape, claims] : waiting_by_) {
    if (avoided == nullptr || *avoided != shape.first) room = room_for(shape.first, view_, kept);
    avoided = &shape.first;
    const Claim& next = *claims.begin();
    if (room.fits(shape.second) && (!best || next < *best)) best = next;
  }
  return best;
}

/// Nodes whose free slots are kept for the first in line, because it has been passed often enough.
std::set<NodeId> AdmissionMachine::kept_for_first() const {
  const auto& [shape, passed] = waiting_.begin()->second;
  if (passed < room_for(shape.first, view_).total) return {};
  return usable_nodes(shape.first, view_);
}

}  // namespace troupe
