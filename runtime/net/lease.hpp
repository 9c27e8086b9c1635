#pragma once

#include "runtime/base/time.hpp"
#include "schemas/control.capnp.h"

#include <cstdint>

namespace troupe {

struct LeaseConfig {
  Duration heartbeat;
  Duration lease;
  Duration margin;
};

/// Both leases of one end of a conversation, each by our own monotonic clock alone.
///
/// The peer's lease counts from when we last heard it. Our own counts from when we sent the last
/// frame that the peer has proved to have heard, by returning its clock stamp. The peer counts from
/// when it heard that frame, we from when we sent it, so we stop first.
class LeaseClock {
 public:
  LeaseClock(const LeaseConfig& config, Instant now);

  /// Begins to watch the peer's lease. What the peer has proved before still counts for our own.
  void watch(Instant now);
  /// The peer has a new process, whose clock stamps have nothing to do with the old one's.
  void forget_peer();
  void heard(Instant now) { heard_ = now; }
  /// Takes the clock stamp of a frame of the peer.
  void stamped(const schema::ClockStamp::Reader& stamp, Instant now);
  /// The peer gives us up after this much silence.
  void peer_lease(Duration lease);
  void fill(schema::ClockStamp::Builder stamp, Instant now) const;

  /// Call it once per heartbeat at least. A gap of more than three heartbeats is our own pause: the
  /// peer gets one more heartbeat to be heard, our own lease gets none.
  void tick(Instant now);

  /// True once the watched peer was silent for its whole lease; it is no longer watched then.
  bool peer_ended(Instant now);
  enum class Change { none, ended, renewed };
  /// How our own lease changed since the last call.
  Change own_change(Instant now);
  bool in_grace(Instant now) const { return now < grace_until_; }

 private:
  LeaseConfig config_;
  Duration patience_;  ///< silence of ours that the peer bears
  Instant last_tick_;
  Instant grace_until_;
  Instant heard_;
  bool watched_ = false;
  Instant proven_ = {};    ///< when we sent the last frame that the peer has proved; 0: none
  std::int64_t echo_ = 0;  ///< the peer's highest stamp
  bool own_ = false;
};

}  // namespace troupe
