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
/// The peer's: how long it has been silent. Ours: how old our last words are that the peer has
/// proved to have heard, by returning the clock stamp that was in them. The peer counts from when
/// it heard them, we count from when we said them, so we stop first.
class LeaseClock {
 public:
  LeaseClock(const LeaseConfig& config, Instant now);

  /// Begins to watch the peer's lease; what it proved before still counts.
  void watch(Instant now);
  /// Another process of the peer: its clock stamps have nothing to do with the old one's.
  void forget_peer();
  void heard(Instant now) { heard_ = now; }
  /// The stamp of a frame of the peer, and the peer's own patience with us.
  void stamped(const schema::ClockStamp::Reader& stamp, Instant now);
  void peer_lease(Duration lease);
  void fill(schema::ClockStamp::Builder stamp, Instant now) const;

  /// Once per heartbeat at least. A gap of more than three heartbeats is our own pause: peers get
  /// one more heartbeat to be heard, our own lease gets none.
  void tick(Instant now);

  /// The watched peer was silent for its whole lease: true once, then it is no longer watched.
  bool peer_ended(Instant now);
  enum class Change { none, ended, renewed };
  /// How our own lease changed since the last call.
  Change own_change(Instant now);
  bool in_grace(Instant now) const { return now < grace_until_; }

 private:
  LeaseConfig config_;
  Duration patience_;  ///< of the peer with us
  Instant last_tick_;
  Instant grace_until_;
  Instant heard_;
  bool watched_ = false;
  Instant proven_ = {};    ///< when we said what the peer last proved to have heard; 0: nothing
  std::int64_t echo_ = 0;  ///< the peer's highest stamp
  bool own_ = false;
};

}  // namespace troupe
