#include "runtime/host/data_plane.hpp"

#include "runtime/base/log.hpp"
#include "runtime/host/channel_end.hpp"
#include "runtime/wire/batch_codec.hpp"
#include "schemas/channel.capnp.h"

#include <xxhash.h>

#include <deque>
#include <utility>
#include <vector>

namespace troupe {
namespace {

// Why an item of a channel is not accepted.
constexpr const char* corrupt_frame = "corrupt";
constexpr const char* foreign_channel = "foreign_channel";
constexpr const char* unknown_channel = "unknown_channel";

ChannelKey key_of(schema::ChannelRef::Reader channel) {
  return {RunId(channel.getRun()), ChannelId(channel.getChannel()),
          Attempt(channel.getSenderAttempt()), Attempt(channel.getReceiverAttempt())};
}

ChannelKey key_of(const DataTokens& tokens) {
  return {tokens.run, tokens.channel, tokens.sender_attempt, tokens.receiver_attempt};
}

void set(schema::ChannelRef::Builder to, const ChannelKey& key) {
  to.setRun(key.run.value());
  to.setChannel(key.channel.value());
  to.setSenderAttempt(key.sender.value());
  to.setReceiverAttempt(key.receiver.value());
}

/// A number that no other process of the cluster has, but by a chance of one in 2^64; and then a
/// fetch would be refused, and tried elsewhere.
std::uint64_t number_of(const NodeId& node, Incarnation incarnation) {
  const std::string name = fmt::format("{}/{}", node, incarnation);
  return XXH3_64bits(name.data(), name.size());
}

KeptPartition partition_of(schema::FetchPartition::Reader fetch, const ChannelKey& key) {
  const TaskId producer{StageId(fetch.getProducerStage()), fetch.getProducerSubtask()};
  return {{key.run, producer, key.sender}, fetch.getEdge(), fetch.getPartition()};
}

}  // namespace

/// Encodes on the task's thread; what has no credit yet waits here, and the task makes no more.
class DataPlane::Sender : public ChannelSender {
 public:
  Sender(std::shared_ptr<DataPlane> plane, std::shared_ptr<OutgoingEnd> end, DataTokens tokens)
      : plane_(std::move(plane)), end_(std::move(end)), encoder_(std::move(tokens)) {}
  ~Sender() override {
    std::lock_guard lock(plane_->mutex_);
    plane_->outgoing_.erase(end_->where().key);
  }

  bool has_room(std::int64_t bytes) override {
    return flush() && end_->may_send(static_cast<std::uint64_t>(bytes));
  }
  void send(StreamItem item, std::int64_t) override {
    auto frames = encoder_.encode(item);
    if (!frames) return end_->fail(frames.error());
    for (auto& frame : *frames) outbox_.push_back(std::move(frame));
    flush();
  }
  bool closed() const override { return end_->closed(); }
  bool flushed() override { return flush() || end_->closed(); }
  Result<> status() override { return end_->status(); }

 private:
  bool flush() {
    while (!outbox_.empty() && end_->send(plane_->wire_, outbox_.front())) outbox_.pop_front();
    return outbox_.empty();
  }

  const std::shared_ptr<DataPlane> plane_;
  const std::shared_ptr<OutgoingEnd> end_;
  ChannelEncoder encoder_;
  std::deque<DataFrame> outbox_;
};

/// Decodes on the task's thread, and grants what the task has taken.
class DataPlane::Receiver : public ChannelReceiver {
 public:
  Receiver(std::shared_ptr<DataPlane> plane, std::shared_ptr<IncomingEnd> end, DataTokens tokens)
      : plane_(std::move(plane)), end_(std::move(end)), decoder_(std::move(tokens)) {}
  ~Receiver() override { close(); }

  Result<std::optional<StreamItem>> receive() override {
    auto frame = end_->take();
    if (!frame) {
      TRY(end_->status());
      return std::optional<StreamItem>();
    }
    auto item = TRY(decoder_.decode(*frame));
    if (frame->is_batch()) {
      if (auto grant = end_->consumed(frame->bytes())) tell(*grant);
    }
    if (std::holds_alternative<EndOfStream>(item)) leave();
    return std::optional<StreamItem>(std::move(item));
  }
  /// Whether the sender waits for credit is known there only; it may as soon as anything is held.
  bool full() const override { return end_->held().batches > 0; }
  ChannelLevel level() const override {
    const Credit held = end_->held();
    const auto percent = std::max(held.bytes * 100 / remote_window.bytes,
                                  held.batches * 100 / remote_window.batches);
    return {held.batches, static_cast<std::int64_t>(held.bytes),
            static_cast<std::uint32_t>(percent)};
  }
  void close() override {
    if (left_) return;
    leave();
    const auto& where = end_->where();
    static_cast<void>(plane_->wire_.send(
        where.peer.node, plane_->say<schema::CloseChannel>(where, data_address, [&](auto body) {
          set(body.initChannel(), where.key);
        })));
  }

 private:
  void tell(Credit grant) {
    const auto& where = end_->where();
    // A session that has just ended breaks the channel by itself.
    static_cast<void>(plane_->wire_.send(
        where.peer.node, plane_->say<schema::GrantCredit>(where, data_address, [&](auto body) {
          set(body.initChannel(), where.key);
          body.setBytes(grant.bytes);
          body.setBatches(grant.batches);
        })));
  }
  void leave() {
    left_ = true;
    std::lock_guard lock(plane_->mutex_);
    plane_->incoming_.erase(end_->where().key);
  }

  const std::shared_ptr<DataPlane> plane_;
  const std::shared_ptr<IncomingEnd> end_;
  ChannelDecoder decoder_;
  bool left_ = false;
};

std::shared_ptr<DataPlane> DataPlane::over(PeerWire& wire, Metrics& metrics, const Clock& clock,
                                           ClusterName cluster, NodeId self,
                                           Incarnation incarnation) {
  return std::shared_ptr<DataPlane>(
      new DataPlane(wire, metrics, clock, std::move(cluster), std::move(self), incarnation));
}

DataPlane::DataPlane(PeerWire& wire, Metrics& metrics, const Clock& clock, ClusterName cluster,
                     NodeId self, Incarnation incarnation)
    : wire_(wire),
      metrics_(metrics),
      clock_(clock),
      cluster_(std::move(cluster)),
      self_(std::move(self)),
      incarnation_(incarnation),
      asking_(number_of(self_, incarnation)) {
  for (const char* reason : {corrupt_frame, foreign_channel, unknown_channel}) refusals(reason);
}

template <class T, class Fill>
Frame DataPlane::say(const RemoteEnd& where, std::string_view to, Fill&& fill) const {
  const Tokens tokens{cluster_, self_, incarnation_, {}, where.key.run};
  return Frame::make<T>(tokens, to, std::forward<Fill>(fill));
}

Frame DataPlane::tell_rows_lost() const {
  return Frame::make<schema::RowsLost>(Tokens{cluster_, self_, incarnation_}, data_address,
                                       [](auto) {});
}

DataTokens DataPlane::tokens(const RemoteEnd& where, bool sending) const {
  return {cluster_,
          sending ? incarnation_ : where.peer.incarnation,
          sending ? where.peer.incarnation : incarnation_,
          where.key.run,
          where.key.channel,
          where.key.sender,
          where.key.receiver};
}

/// Puts the end into its table, and makes sure that there is, or will be, a session for it.
template <class End>
Result<std::shared_ptr<End>> DataPlane::enter(std::map<ChannelKey, std::shared_ptr<End>>& table,
                                              std::shared_ptr<End> end) {
  const RemoteEnd& where = end->where();
  std::optional<Incarnation> session;
  bool connect = false;
  {
    std::lock_guard lock(mutex_);
    if (!table.emplace(where.key, end).second) {
      return make_error(ErrorCode::already_exists, "channel {} of run {} is open already",
                        where.key.channel, where.key.run);
    }
    auto up = sessions_.find(where.peer.node);
    if (up != sessions_.end()) session = up->second;
    auto& address = addresses_[where.peer.node];
    connect = !where.peer.address.empty() && address != where.peer.address;
    if (connect) address = where.peer.address;
  }
  if (connect) {
    auto connecting = wire_.connect(where.peer.node, where.peer.address);
    if (!connecting) end->fail(connecting.error());
  }
  if (session) end->session(*session);
  return end;
}

Result<std::unique_ptr<ChannelSender>> DataPlane::open_sender(const RemoteEnd& to,
                                                              std::shared_ptr<TaskHost> host) {
  auto end =
      TRY(enter(outgoing_, std::make_shared<OutgoingEnd>(to, std::move(host), clock_.now())));
  return std::unique_ptr<ChannelSender>(
      std::make_unique<Sender>(shared_from_this(), std::move(end), tokens(to, true)));
}

Result<std::unique_ptr<ChannelReceiver>> DataPlane::open_receiver(const RemoteEnd& from,
                                                                  std::shared_ptr<TaskHost> host) {
  return receive(from, {}, std::move(host));
}

Result<std::unique_ptr<ChannelReceiver>> DataPlane::fetch(const RemoteEnd& from,
                                                          const KeptPartition& what,
                                                          std::shared_ptr<TaskHost> host) {
  auto request = say<schema::FetchPartition>(from, store_address, [&](auto body) {
    set(body.initChannel(), from.key);
    body.setProducerStage(what.producer.task.stage.value());
    body.setProducerSubtask(what.producer.task.subtask);
    body.setEdge(what.edge);
    body.setPartition(what.partition);
  });
  return receive(from, std::move(request), std::move(host));
}

Result<std::unique_ptr<ChannelReceiver>> DataPlane::fetch_snapshot(const PeerNode& from,
                                                                   const WantedSnapshot& what,
                                                                   std::shared_ptr<TaskHost> host) {
  const RemoteEnd end{from, snapshot_channel(++last_fetch_, asking_)};
  auto request = say<schema::FetchSnapshot>(end, store_address, [&](auto body) {
    set(body.initChannel(), end.key);
    body.setRunUid(what.run.value());
    body.setName(what.name);
  });
  return receive(end, std::move(request), std::move(host));
}

Result<std::unique_ptr<ChannelReceiver>> DataPlane::receive(const RemoteEnd& from, Frame request,
                                                            std::shared_ptr<TaskHost> host) {
  auto end = TRY(enter(incoming_, std::make_shared<IncomingEnd>(from, std::move(host), clock_.now(),
                                                                wire_, request)));
  return std::unique_ptr<ChannelReceiver>(
      std::make_unique<Receiver>(shared_from_this(), std::move(end), tokens(from, false)));
}

void DataPlane::refuse_fetch(const RemoteEnd& to, const Error& error) {
  static_cast<void>(
      wire_.send(to.peer.node, say<schema::FetchFailed>(to, data_address, [&](auto body) {
                   set(body.initChannel(), to.key);
                   body.setCode(static_cast<std::uint16_t>(error.code));
                   body.setMessage(error.message);
                 })));
}

std::shared_ptr<OutgoingEnd> DataPlane::outgoing(const ChannelKey& key) const {
  std::lock_guard lock(mutex_);
  auto end = outgoing_.find(key);
  return end == outgoing_.end() ? nullptr : end->second;
}

std::shared_ptr<IncomingEnd> DataPlane::incoming(const ChannelKey& key) const {
  std::lock_guard lock(mutex_);
  auto end = incoming_.find(key);
  return end == incoming_.end() ? nullptr : end->second;
}

/// A peer may speak only about channels that it is the other end of.
void DataPlane::hear(const NodeId& peer, const Frame& frame) {
  const auto about = [&](auto end, auto then) {
    if (!end) return;  // late: the task has ended
    if (end->where().peer.node != peer) return refused(foreign_channel);
    then(*end);
  };
  if (frame.is<schema::RowsLost>()) {
    return break_all(peer,
                     make_error(ErrorCode::unavailable, "node {} lost rows on their way", peer));
  }
  Result<> read = make_error(ErrorCode::corrupt, "not a message of the data plane");
  if (frame.is<schema::GrantCredit>()) {
    read = frame.read<schema::GrantCredit>([&](auto grant) {
      const Credit total{grant.getBytes(), grant.getBatches()};
      about(outgoing(key_of(grant.getChannel())), [&](auto& end) { end.granted(total); });
    });
  } else if (frame.is<schema::CloseChannel>()) {
    read = frame.read<schema::CloseChannel>([&](auto close) {
      about(outgoing(key_of(close.getChannel())), [](auto& end) { end.close(); });
    });
  } else if (frame.is<schema::FetchFailed>()) {
    read = frame.read<schema::FetchFailed>([&](auto failed) {
      const auto code = failed.getCode() <= static_cast<int>(ErrorCode::internal)
                            ? static_cast<ErrorCode>(failed.getCode())
                            : ErrorCode::internal;
      Error error = make_error(code, "node {}: {}", peer, failed.getMessage().cStr());
      about(incoming(key_of(failed.getChannel())), [&](auto& end) { end.fail(error); });
    });
  }
  if (!read) refused(corrupt_frame);
}

void DataPlane::hear_data(const NodeId& peer, DataFrame frame) {
  auto end = incoming(key_of(frame.tokens()));
  if (!end) return refused(unknown_channel);
  if (end->where().peer.node != peer) return refused(foreign_channel);
  end->arrived(std::move(frame));
}

void DataPlane::hear_peer(const NodeId& peer, const PeerEvent& event) {
  if (const auto* up = std::get_if<session_effect::Up>(&event)) {
    {
      std::lock_guard lock(mutex_);
      sessions_[peer] = up->incarnation;
    }
    for (const auto& end : ends()) {
      if (end->where().peer.node == peer) end->session(up->incarnation);
    }
    return;
  }
  if (const auto* down = std::get_if<session_effect::Down>(&event)) {
    {
      std::lock_guard lock(mutex_);
      sessions_.erase(peer);
    }
    break_all(peer, make_error(ErrorCode::unavailable, "node {} is gone: {}", peer, down->text));
  }
  if (const auto* lost = std::get_if<DataLost>(&event)) {
    break_all(peer, make_error(ErrorCode::unavailable, "rows to or from node {} were lost: {}",
                               peer, lost->text));
    // A sender that has sent its end and is gone cannot break its channel, and the receiver would
    // wait for that end for ever. Where there is no session now, its loss is told at both ends.
    static_cast<void>(wire_.send(peer, tell_rows_lost()));
  }
}

std::vector<std::shared_ptr<ChannelEnd>> DataPlane::ends() const {
  std::vector<std::shared_ptr<ChannelEnd>> all;
  std::lock_guard lock(mutex_);
  for (const auto& [key, end] : outgoing_) all.push_back(end);
  for (const auto& [key, end] : incoming_) all.push_back(end);
  return all;
}

void DataPlane::break_all(const NodeId& peer, const Error& error) {
  for (const auto& end : ends()) {
    if (end->where().peer.node == peer && !end->waits_since_before(Instant::max())) {
      end->fail(error);
    }
  }
}

void DataPlane::tick(Instant now) {
  for (const auto& end : ends()) {
    if (!end->waits_since_before(now - connect_max)) continue;
    end->fail(make_error(ErrorCode::unavailable, "node {} cannot be reached at {}",
                         end->where().peer.node, end->where().peer.address));
  }
}

MetricCounter& DataPlane::refusals(const char* reason) {
  return metrics_.counter("troupe_data_frames_refused_total",
                          "Items of channels that were not accepted.", {{"reason", reason}});
}

void DataPlane::refused(const char* reason) { refusals(reason).add(); }

std::size_t DataPlane::open() const {
  std::lock_guard lock(mutex_);
  return outgoing_.size() + incoming_.size();
}

Result<FetchRequest> fetch_request_of(const NodeId& peer, const Frame& frame) {
  FetchRequest request;
  request.from.peer = {peer, frame.tokens().incarnation, ""};
  if (frame.is<schema::FetchSnapshot>()) {
    TRY(frame.read<schema::FetchSnapshot>([&](auto fetch) {
      request.from.key = key_of(fetch.getChannel());
      request.what = WantedSnapshot{RunUid(fetch.getRunUid().cStr()), fetch.getName().cStr()};
    }));
    return request;
  }
  TRY(frame.read<schema::FetchPartition>([&](auto fetch) {
    request.from.key = key_of(fetch.getChannel());
    request.what = partition_of(fetch, request.from.key);
  }));
  return request;
}

}  // namespace troupe
