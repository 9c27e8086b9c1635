#include "runtime/net/lease.hpp"

#include "runtime/base/ensure.hpp"

#include <algorithm>

namespace troupe {
namespace {
constexpr int pause_heartbeats = 3;
}

LeaseClock::LeaseClock(const LeaseConfig& config, Instant now)
    : config_(config), patience_(config.lease), last_tick_(now), grace_until_(now), heard_(now) {
  ENSURE(
      config.heartbeat > Duration::zero() && config.margin + 2 * config.heartbeat <= config.lease,
      "a lease of {} ns has no room for two heartbeats of {} ns and a margin of {} ns",
      config.lease.count(), config.heartbeat.count(), config.margin.count());
}

void LeaseClock::watch(Instant now) {
  watched_ = true;
  heard_ = now;
}

void LeaseClock::forget_peer() { echo_ = 0; }

void LeaseClock::stamped(const schema::ClockStamp::Reader& stamp, Instant now) {
  echo_ = std::max(echo_, stamp.getSentAt());
  // The echo is a stamp of our own clock. One from the future cannot be ours and proves nothing.
  const Instant proven{Duration(stamp.getEcho())};
  if (proven <= now) proven_ = std::max(proven_, proven);
}

void LeaseClock::peer_lease(Duration lease) { patience_ = std::min(config_.lease, lease); }

void LeaseClock::fill(schema::ClockStamp::Builder stamp, Instant now) const {
  stamp.setSentAt(now.time_since_epoch().count());
  stamp.setEcho(echo_);
}

void LeaseClock::tick(Instant now) {
  // Frames of a silent peer may have come while we slept, and still wait to be read.
  if (now - last_tick_ > pause_heartbeats * config_.heartbeat) {
    grace_until_ = now + config_.heartbeat;
  }
  last_tick_ = now;
}

bool LeaseClock::peer_ended(Instant now) {
  if (!watched_ || in_grace(now) || now - heard_ <= config_.lease) return false;
  watched_ = false;
  return true;
}

LeaseClock::Change LeaseClock::own_change(Instant now) {
  const bool proven = proven_ != Instant{};
  const bool own = proven && now < proven_ + patience_ - config_.margin;
  if (own == own_) return Change::none;
  own_ = own;
  return own ? Change::renewed : Change::ended;
}

}  // namespace troupe
