#pragma once

#include "runtime/base/ids.hpp"
#include "runtime/base/time.hpp"
#include "runtime/wire/frame.hpp"

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace troupe {

/// Events that a `Session` hears, from the link that owns it or from a simulated network.
namespace session_event {

/// Our connection to the peer is up: frames that we transmit now have a chance to arrive.
struct Connected {};
/// Our connection to the peer closed. A hint only: it may come back within the grace.
struct Disconnected {};
/// The peer's address refuses connections: its process is gone, or not there yet.
struct Refused {};
/// A frame of this peer. The caller has checked that its sender owns the key it came with.
struct Received {
  Frame frame;
};
/// A data frame of this peer arrived, beside the session: the peer is alive.
struct Heard {};
/// An actor of this node has a message for an actor of the peer.
struct Send {
  Frame frame;
};
/// Time has passed. Comes at least once per heartbeat, after the frames that had arrived: leases
/// are checked here, and those frames may show that the peer lives.
struct Tick {
  Duration canary_age = {};  ///< how long ago our own scheduler last ran an actor on time
};
/// This node leaves on purpose, or has revoked the peer's key.
struct Leave {
  std::string reason;
};

}  // namespace session_event

using SessionEvent =
    std::variant<session_event::Connected, session_event::Disconnected, session_event::Refused,
                 session_event::Received, session_event::Heard, session_event::Send,
                 session_event::Tick, session_event::Leave>;

/// Why a session ended. Proxies of the peer's actors end with it.
enum class DownReason {
  lease_expired,    ///< nothing was heard of it for a whole lease
  closed,           ///< its connection closed and did not come back within the grace
  refused,          ///< its connection closed and its address refuses new ones
  new_incarnation,  ///< its process was replaced
  new_session,      ///< it gave the old conversation up (its own lease had ended)
  goodbye,          ///< it left on purpose
  slow_peer,        ///< it does not take what we send: the queue is full
  fenced,           ///< it told us that our incarnation is over
  rejected,         ///< it told us that we may not speak to it
  left,             ///< we left on purpose, or revoked its key
};
const char* to_string(DownReason reason);

/// Why something that arrived was not accepted; the label of `troupe_frames_refused_total`.
enum class Refusal {
  corrupt,      ///< does not decode
  oversized,    ///< larger than a control frame may be
  unknown_key,  ///< its key is not, or no longer, on our list
  impostor,     ///< says it is another node than the one its key belongs to
  wrong_cluster,
  wrong_protocol,
  stale_incarnation,  ///< of an incarnation that is over
  misdirected,        ///< meant for another incarnation of ours, or another node
  stale_session,      ///< of a conversation that is over
  duplicate,          ///< processed before; not an offence, the link repeats after a break
  overflow,           ///< too far ahead of what is missing; it will be repeated
  unknown_channel,    ///< a data frame for a channel that is not here
};
inline constexpr int refusal_kinds = 12;
const char* to_string(Refusal refusal);

/// What a `Session` wants its owner to do, in this order.
namespace session_effect {

/// Put the frame on our connection to the peer, in order. It is lost if that connection breaks: the
/// session repeats what matters.
struct Transmit {
  Frame frame;
};
/// Answer on the connection that brought the frame at hand: it may be the only way to reach a node
/// that is refused.
struct Reply {
  Frame frame;
};
/// Hand the frame to the local actor it is addressed to. Each message of a session comes once, in
/// order.
struct Deliver {
  Frame frame;
};
/// A new conversation: messages flow both ways from number 1. `incarnation` is the peer's.
struct Up {
  Incarnation incarnation;
};
/// The connection closed: place no more work on the peer, but it may come back. A fast hint, no
/// proof.
struct Closed {};
/// The same conversation goes on after a break; nothing was lost or repeated.
struct Resumed {};
/// The conversation is over; messages that were not acknowledged may be lost. The peer's proxies
/// die.
struct Down {
  DownReason reason;
  std::string text;  ///< for people
  Incarnation incarnation;
};
/// The peer has not been heard for a whole lease: by its own clock it has stopped acting.
struct LeaseEnded {
  Incarnation incarnation;
};
/// The peer may have given us up by now: whatever needs its consent must stop.
struct OwnLeaseEnded {};
struct OwnLeaseRenewed {};
/// The peer says that our incarnation is over. This process must stop acting; a new one must use
/// an incarnation higher than `highest`.
struct Fenced {
  Incarnation highest;
  std::string text;
};
/// The peer refuses us, and says why.
struct Rejected {
  schema::RejectCode code;
  std::string text;
};
/// The peer's scheduler does not run although its link answers: told once per hang, and once when
/// it is over.
struct Stalled {
  bool stalled;
  Duration canary_age;
};
/// A frame that arrived was not accepted; count it.
struct Refuse {
  Refusal refusal;
};
/// Connect anew to the peer, and drop what is queued for it: that belongs to a session that is
/// over.
struct Reconnect {};

}  // namespace session_effect

using SessionEffect =
    std::variant<session_effect::Transmit, session_effect::Reply, session_effect::Deliver,
                 session_effect::Up, session_effect::Closed, session_effect::Resumed,
                 session_effect::Down, session_effect::LeaseEnded, session_effect::OwnLeaseEnded,
                 session_effect::OwnLeaseRenewed, session_effect::Fenced, session_effect::Rejected,
                 session_effect::Stalled, session_effect::Refuse, session_effect::Reconnect>;
using SessionEffects = std::vector<SessionEffect>;

}  // namespace troupe
