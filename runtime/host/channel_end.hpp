#pragma once

#include "runtime/host/peer_wire.hpp"
#include "runtime/host/remote_channels.hpp"
#include "runtime/net/credit.hpp"

#include <deque>
#include <memory>
#include <mutex>
#include <optional>

namespace troupe {

/// What may be on its way over one channel between two nodes.
inline constexpr Credit remote_window = {.bytes = std::uint64_t{8} << 20, .batches = 16};

/// This node's end of a channel to another node; what the task and the link's thread share.
///
///     waiting --session with the peer's incarnation--> open --session lost--> broken
///        +------------------a newer incarnation, or nobody there----------------^
class ChannelEnd {
 public:
  ChannelEnd(RemoteEnd where, std::shared_ptr<TaskHost> host, Instant since)
      : where_(std::move(where)), host_(std::move(host)), since_(since) {}
  virtual ~ChannelEnd() = default;

  const RemoteEnd& where() const { return where_; }
  /// The session is with this incarnation of the peer.
  void session(Incarnation incarnation);
  /// For good; the first reason counts. Wakes the task.
  void fail(Error error);
  bool waits_since_before(Instant limit) const;
  Result<> status() const;

 protected:
  /// The session has begun; under the lock.
  virtual void opened() {}
  void wake() { host_->wake(); }

  const RemoteEnd where_;
  const std::shared_ptr<TaskHost> host_;
  const Instant since_;
  mutable std::mutex mutex_;
  bool open_ = false;
  std::optional<Error> error_;
};

/// The sending end: what the receiver has granted, and whether it still wants anything.
class OutgoingEnd : public ChannelEnd {
 public:
  using ChannelEnd::ChannelEnd;

  bool may_send(std::uint64_t bytes) const;
  /// Takes credit for this item and puts it on the wire; false: not now, and the task is woken when
  /// it can.
  bool send(PeerWire& wire, const DataFrame& frame);
  void granted(Credit consumed_total);
  void close();
  bool closed() const;

 private:
  CreditSender credit_{remote_window};
  bool closed_ = false;
};

/// The receiving end: what has arrived and was not taken.
class IncomingEnd : public ChannelEnd {
 public:
  IncomingEnd(RemoteEnd where, std::shared_ptr<TaskHost> host, Instant since, PeerWire& wire,
              Frame request)
      : ChannelEnd(std::move(where), std::move(host), since),
        wire_(wire),
        request_(std::move(request)) {}

  void arrived(DataFrame frame);
  std::optional<DataFrame> take();
  /// The task has taken a batch of that size; a grant, when one is due.
  std::optional<Credit> consumed(std::uint64_t bytes);
  Credit held() const;

 protected:
  /// Asks for a kept partition, where the channel is for one.
  void opened() override;

 private:
  PeerWire& wire_;
  const Frame request_;
  std::deque<DataFrame> frames_;
  CreditReceiver credit_{remote_window};
};

}  // namespace troupe
