#pragma once

#include "runtime/cluster/node_health.hpp"
#include "runtime/cluster/placement.hpp"
#include "runtime/decision/effects.hpp"

#include <map>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

namespace troupe {

/// What a `ClusterMachine` is told: what the session with a node says, and what the node says.
namespace cluster_event {

/// The connection closed; it may come back.
struct Closed {
  NodeId node;
};
/// It came back, and nothing was lost.
struct Resumed {
  NodeId node;
};
/// The session is over: closed for longer than the grace, refused, replaced, left.
struct Down {
  NodeId node;
  Incarnation incarnation;
  std::string reason;
};
/// The incarnation was silent for a whole lease. It never acts again.
struct LeaseEnded {
  NodeId node;
  Incarnation incarnation;
};
struct Join {
  JoinCluster request;
};
/// The node has said what it holds.
struct Listed {
  NodeId node;
  Incarnation incarnation;
};
/// A task failed there by the node's own fault.
struct NodeFault {
  NodeId node;
  Incarnation incarnation;
  std::string reason;
};
struct Tick {};

}  // namespace cluster_event

using ClusterEvent =
    std::variant<cluster_event::Closed, cluster_event::Resumed, cluster_event::Down,
                 cluster_event::LeaseEnded, cluster_event::Join, cluster_event::Listed,
                 cluster_event::NodeFault, cluster_event::Tick>;

/// A node whose tasks and kept outputs do not count any more.
struct NodeLoss {
  NodeId node;
  Incarnation incarnation;
  std::string reason;
};

struct ClusterChange {
  Effects effects;
  std::vector<NodeLoss> lost;
  std::set<NodeId> changed;  ///< members that `node_of` says something else of
};

enum class MemberState {
  silent,    ///< recorded by an earlier leader; it has one lease to show up
  adopting,  ///< joined; has not said what it holds
  live,
  suspect,  ///< its connection closed a moment ago
  gone,
};

struct Member {
  NodeId node;
  Incarnation incarnation;
  std::string address;
  std::uint32_t slots = 0;
  MemberState state = MemberState::silent;
  std::optional<MemberState> before_suspicion = {};
  Instant silent_until = {};
  bool ended = false;      ///< the incarnation
  NodeHealth health = {};  ///< of this incarnation: whoever starts a node again has mended it
};

/// The member as placement sees it; none where it is gone. Its slots in use are not known here.
std::optional<ClusterNode> node_of(const Member& member);

/// Who is a member, as which incarnation, and since when not.
///
/// Owned by the COORDINATOR. Timing of leases and of the grace after a closed connection belongs
/// to the session with each node (`runtime/net/session.hpp`), which observes them; this machine
/// says what follows. One thing it times itself: nodes that an earlier leader knew have one lease
/// from its own start to show up.
///
/// All effects of tasks of today are fenced, so a session that is down is enough to replace them
/// (protocols 1.4); a later kind of task with effects of its own waits for LeaseEnded.
///
/// A member whose disk or memory makes work fail rests for a while (`NodeHealth`).
///
/// Invariant: an incarnation is durable before its node is told `Joined`, and only grows.
/// Invariant: an incarnation that ended is never a member again.
/// Invariant: a node takes new tasks only after it has said what it holds.
class ClusterMachine {
 public:
  ClusterMachine(ClusterId cluster, Term term, const std::map<NodeId, NodeRecord>& recorded,
                 Duration node_lease, Instant now);

  ClusterChange on(const ClusterEvent& event, Instant now);

  std::optional<Instant> next_deadline() const;
  const std::map<NodeId, Member>& members() const { return members_; }
  /// True while a node that an earlier leader knew may still show up.
  bool waiting_for_silent() const;

 private:
  void handle(const cluster_event::Closed&);
  void handle(const cluster_event::Resumed&);
  void handle(const cluster_event::Down&);
  void handle(const cluster_event::LeaseEnded&);
  void handle(const cluster_event::Join&);
  void handle(const cluster_event::Listed&);
  void handle(const cluster_event::NodeFault&);
  void handle(const cluster_event::Tick&);

  void refuse(const JoinCluster& request, Incarnation highest, std::string reason);
  void lose(Member& member, std::string reason);
  void look_after_health(Member& member);
  void record(const Member& member);
  void say(log::Level level, std::string text);
  Member* member(const NodeId& node, Incarnation incarnation);

  ClusterId cluster_;
  Term term_;
  Duration node_lease_;
  Instant now_;
  std::map<NodeId, Member> members_;
  ClusterChange out_;
};

/// Joins of new names beyond this many are refused.
inline constexpr std::size_t cluster_nodes_max = 1024;

}  // namespace troupe
