#include "runtime/cluster/cluster_machine.hpp"

#include <algorithm>
#include <utility>

namespace troupe {

std::optional<ClusterNode> node_of(const Member& member) {
  if (member.state == MemberState::gone) return {};
  ClusterNode node{member.node, member.incarnation, member.address, member.slots};
  node.placeable = member.state == MemberState::live;
  node.resting = member.health.resting();
  if (member.health.on_trial()) node.slots = std::min(node.slots, 1u);
  node.listed = node.placeable || member.before_suspicion == MemberState::live;
  return node;
}

ClusterMachine::ClusterMachine(ClusterId cluster, Term term,
                               const std::map<NodeId, NodeRecord>& recorded, Duration node_lease,
                               Instant now)
    : cluster_(std::move(cluster)), term_(term), node_lease_(node_lease), now_(now) {
  for (const auto& [node, record] : recorded) {
    Member member{node, record.incarnation, record.address, record.slots};
    member.state = record.ended ? MemberState::gone : MemberState::silent;
    member.ended = record.ended;
    member.silent_until = now + node_lease;
    members_.emplace(node, member);
  }
}

ClusterChange ClusterMachine::on(const ClusterEvent& event, Instant now) {
  now_ = now;
  out_ = {};
  std::visit([this](const auto& e) { handle(e); }, event);
  return std::exchange(out_, {});
}

std::optional<Instant> ClusterMachine::next_deadline() const {
  std::optional<Instant> next;
  for (const auto& [node, member] : members_) {
    std::optional<Instant> deadline = member.health.next_deadline();
    if (member.state == MemberState::silent) deadline = member.silent_until;
    if (deadline && member.state != MemberState::gone)
      next = std::min(next.value_or(*deadline), *deadline);
  }
  return next;
}

bool ClusterMachine::waiting_for_silent() const {
  return std::any_of(members_.begin(), members_.end(),
                     [](const auto& entry) { return entry.second.state == MemberState::silent; });
}

Member* ClusterMachine::member(const NodeId& node, Incarnation incarnation) {
  const auto found = members_.find(node);
  if (found == members_.end() || found->second.incarnation != incarnation) return nullptr;
  return &found->second;
}

// ---- what the session says

void ClusterMachine::handle(const cluster_event::Closed& event) {
  const auto found = members_.find(event.node);
  if (found == members_.end()) return;
  Member& member = found->second;
  if (member.state != MemberState::live && member.state != MemberState::adopting) return;
  member.before_suspicion = member.state;
  member.state = MemberState::suspect;
  out_.changed.insert(member.node);
}

void ClusterMachine::handle(const cluster_event::Resumed& event) {
  const auto found = members_.find(event.node);
  if (found == members_.end() || found->second.state != MemberState::suspect) return;
  found->second.state = *std::exchange(found->second.before_suspicion, {});
  out_.changed.insert(event.node);
}

void ClusterMachine::handle(const cluster_event::Down& event) {
  Member* gone = member(event.node, event.incarnation);
  // A silent node has not been heard by us: the end of a session it never had with us says nothing.
  if (gone == nullptr || gone->state == MemberState::silent) return;
  lose(*gone, event.reason);
}

void ClusterMachine::handle(const cluster_event::LeaseEnded& event) {
  Member* gone = member(event.node, event.incarnation);
  if (gone == nullptr || gone->ended) return;
  lose(*gone, "its lease ended");
  gone->ended = true;
  record(*gone);
}

void ClusterMachine::handle(const cluster_event::NodeFault& event) {
  Member* faulty = member(event.node, event.incarnation);
  if (faulty == nullptr || faulty->state == MemberState::gone) return;
  if (!faulty->health.on_fault(now_, event.reason)) return;
  out_.changed.insert(event.node);
  const auto rest = std::chrono::duration_cast<std::chrono::seconds>(faulty->health.rest()).count();
  say(log::Level::warn, fmt::format("node {} gets no new work for {} s, for work fails there: {}",
                                    event.node, rest, event.reason));
}

void ClusterMachine::handle(const cluster_event::Tick&) {
  for (auto& [node, member] : members_) {
    if (member.state == MemberState::gone) continue;
    look_after_health(member);
    if (member.state != MemberState::silent || member.silent_until > now_) continue;
    lose(member, "it did not show up within a lease of the new leader's start");
    member.ended = true;
    record(member);
  }
}

void ClusterMachine::look_after_health(Member& member) {
  const auto due = member.health.next_deadline();
  if (!due || *due > now_) return;
  out_.changed.insert(member.node);
  if (!member.health.on_tick(now_)) return;
  say(log::Level::info, fmt::format("node {} is tried again, with one slot", member.node));
}

void ClusterMachine::lose(Member& member, std::string reason) {
  if (member.state == MemberState::gone) return;
  member.state = MemberState::gone;
  member.before_suspicion.reset();
  out_.changed.insert(member.node);
  say(log::Level::warn,
      fmt::format("node {} (incarnation {}) is gone: {}", member.node, member.incarnation, reason));
  out_.lost.push_back({member.node, member.incarnation, std::move(reason)});
}

// ---- what the node says

void ClusterMachine::handle(const cluster_event::Join& event) {
  const JoinCluster& request = event.request;
  if (!request.cluster.value().empty() && request.cluster != cluster_) {
    // What it holds is of no use here: it drops that, and joins as a node that knows no cluster.
    refuse(request, request.incarnation,
           fmt::format("node {} worked for cluster {}, this is cluster {}", request.node,
                       request.cluster, cluster_));
    return;
  }
  const auto found = members_.find(request.node);
  if (found == members_.end() && members_.size() >= cluster_nodes_max) {
    refuse(request, {}, fmt::format("the cluster has {} nodes, its limit", cluster_nodes_max));
    return;
  }
  Member& member = members_[request.node];
  const bool older = request.incarnation < member.incarnation;
  if (older || (member.ended && request.incarnation == member.incarnation)) {
    refuse(request, member.incarnation,
           fmt::format("incarnation {} of node {} is over", request.incarnation, request.node));
    return;
  }
  const bool known = found != members_.end() && member.incarnation == request.incarnation &&
                     member.state != MemberState::gone;
  // The same name as a higher incarnation: the process before it is gone, whatever its session
  // says.
  if (request.incarnation > member.incarnation && found != members_.end()) {
    lose(member, fmt::format("it was replaced by incarnation {}", request.incarnation));
  }
  if (request.incarnation != member.incarnation) member.health = {};
  member.node = request.node;
  member.incarnation = request.incarnation;
  member.address = request.address;
  member.slots = request.slots;
  member.ended = false;
  member.state = MemberState::adopting;
  member.before_suspicion.reset();
  out_.changed.insert(member.node);
  record(member);
  if (!known) {
    say(log::Level::info, fmt::format("node {} (incarnation {}) joins: {} slots at {}", member.node,
                                      member.incarnation, member.slots,
                                      member.address.empty() ? "this process" : member.address));
  }
  out_.effects.push_back(
      effect::Send{member.node, member.incarnation, Joined{cluster_, term_, member.incarnation}});
  out_.effects.push_back(effect::Send{member.node, member.incarnation, Adopt{}});
}

void ClusterMachine::handle(const cluster_event::Listed& event) {
  Member* listed = member(event.node, event.incarnation);
  if (listed == nullptr) return;
  out_.changed.insert(event.node);
  if (listed->state == MemberState::adopting) listed->state = MemberState::live;
  if (listed->state == MemberState::suspect) listed->before_suspicion = MemberState::live;
}

void ClusterMachine::refuse(const JoinCluster& request, Incarnation highest, std::string reason) {
  out_.effects.push_back(
      effect::Send{request.node, request.incarnation,
                   JoinRefused{term_, request.incarnation, highest, std::move(reason)}});
}

void ClusterMachine::say(log::Level level, std::string text) {
  out_.effects.push_back(effect::Persist{{EventRecord{RunId(), level, std::move(text)}}});
}

void ClusterMachine::record(const Member& member) {
  out_.effects.push_back(effect::Persist{
      {NodeRecord{member.node, member.incarnation, member.address, member.slots, member.ended}}});
}

}  // namespace troupe
