#include "runtime/net/session_event.hpp"

namespace troupe {

const char* to_string(DownReason reason) {
  switch (reason) {
    case DownReason::lease_expired:
      return "lease_expired";
    case DownReason::closed:
      return "closed";
    case DownReason::refused:
      return "refused";
    case DownReason::new_incarnation:
      return "new_incarnation";
    case DownReason::new_session:
      return "new_session";
    case DownReason::goodbye:
      return "goodbye";
    case DownReason::slow_peer:
      return "slow_peer";
    case DownReason::fenced:
      return "fenced";
    case DownReason::rejected:
      return "rejected";
    case DownReason::left:
      return "left";
  }
  return "unknown";
}

const char* to_string(Refusal refusal) {
  switch (refusal) {
    case Refusal::corrupt:
      return "corrupt";
    case Refusal::oversized:
      return "oversized";
    case Refusal::unknown_key:
      return "unknown_key";
    case Refusal::impostor:
      return "impostor";
    case Refusal::wrong_cluster:
      return "wrong_cluster";
    case Refusal::wrong_protocol:
      return "wrong_protocol";
    case Refusal::stale_incarnation:
      return "stale_incarnation";
    case Refusal::misdirected:
      return "misdirected";
    case Refusal::stale_session:
      return "stale_session";
    case Refusal::duplicate:
      return "duplicate";
    case Refusal::overflow:
      return "overflow";
    case Refusal::unknown_channel:
      return "unknown_channel";
  }
  return "unknown";
}

}  // namespace troupe
