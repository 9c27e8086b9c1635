#include "runtime/host/deployment.hpp"

#include "runtime/base/ensure.hpp"
#include "runtime/exec/feed_receiver.hpp"
#include "runtime/host/partition_file_reader.hpp"

#include <algorithm>
#include <optional>

namespace troupe {
namespace {

/// Notes why a channel of a task failed, so that its coordinator learns what is lost.
class NotedReceiver : public ChannelReceiver {
 public:
  NotedReceiver(std::unique_ptr<ChannelReceiver> receiver,
                std::shared_ptr<ChannelFailures> failures, std::optional<TaskPeer> kept)
      : receiver_(std::move(receiver)), failures_(std::move(failures)), kept_(std::move(kept)) {}

  Result<std::optional<StreamItem>> receive() override {
    auto item = receiver_->receive();
    if (!item) {
      std::lock_guard lock(failures_->mutex);
      if (kept_) failures_->lost_inputs.push_back(*kept_);
      failures_->peer_lost = true;
    }
    return item;
  }
  bool full() const override { return receiver_->full(); }
  ChannelLevel level() const override { return receiver_->level(); }
  void close() override { receiver_->close(); }
  void promise() override { receiver_->promise(); }
  bool listened() const override { return receiver_->listened(); }
  void tell(const NeededValues& needed) override { receiver_->tell(needed); }

 private:
  const std::unique_ptr<ChannelReceiver> receiver_;
  const std::shared_ptr<ChannelFailures> failures_;
  const std::optional<TaskPeer> kept_;
};

class NotedSender : public ChannelSender {
 public:
  NotedSender(std::unique_ptr<ChannelSender> sender, std::shared_ptr<ChannelFailures> failures)
      : sender_(std::move(sender)), failures_(std::move(failures)) {}

  bool has_room(std::int64_t bytes) override { return sender_->has_room(bytes); }
  void send(StreamItem item, std::int64_t bytes) override { sender_->send(std::move(item), bytes); }
  bool closed() const override { return sender_->closed(); }
  bool flushed() override { return sender_->flushed(); }
  Result<> status() override {
    auto status = sender_->status();
    if (!status) {
      std::lock_guard lock(failures_->mutex);
      failures_->peer_lost = true;
    }
    return status;
  }
  void listen() override { sender_->listen(); }
  std::optional<NeededValues> needed() override { return sender_->needed(); }

 private:
  const std::unique_ptr<ChannelSender> sender_;
  const std::shared_ptr<ChannelFailures> failures_;
};

class Builder {
 public:
  Builder(const DeployTask& deploy, const std::shared_ptr<DeployedRun>& run,
          const std::shared_ptr<TaskHost>& host, const DeploymentSite& site)
      : deploy_(deploy),
        token_(deploy.token),
        key_(key_of(deploy.token)),
        graph_(run->graph()),
        run_(run),
        host_(host),
        site_(site) {}

  Result<Deployment> build() {
    if (token_.task.stage.value() >= graph_.stages.size() ||
        token_.task.subtask >= graph_.stage(token_.task.stage).parallelism) {
      return make_error(ErrorCode::invalid_argument, "the plan of run {} has no task {}",
                        token_.run, token_.task);
    }
    const Stage& stage = graph_.stage(token_.task.stage);
    TaskSite task;
    task.task = token_.task;
    task.host = host_;
    task.memory = run_->memory();
    task.scratch_directory = site_.kept.scratch(key_);
    task.files = &site_.kept.files();
    task.splits = deploy_.splits;
    if (deploy_.epochs.takes_part) TRY(set_epochs(task));
    if (stage.chain.back().phase.make_sink) {
      made_.sink = stage.chain.back().vertex;
      task.sink_tag = attempt_tag(key_);
      task.sink_marker = sink_marker(deploy_.marked_with(), made_.sink);
      task.sink_staging = sink_marker(deploy_.run_uid, made_.sink);
    }
    for (std::uint32_t i = 0; i < graph_.edges.size(); ++i) {
      if (graph_.edges[i].to == stage.id) task.receivers.push_back(TRY(receivers(i)));
      if (graph_.edges[i].from == stage.id) task.senders.push_back(TRY(senders(i)));
    }
    auto objects = TRY(run_->objects(stage.id));
    made_.task = TRY(build_task(graph_, std::move(task), objects, site_.clock));
    return std::move(made_);
  }

 private:
  Result<> set_epochs(TaskSite& task) const {
    task.epochs = deploy_.epochs;
    task.state_directory = TRY(state_directory());
    task.state_name = fmt::format("{}-{}", deploy_.run_uid, attempt_tag(key_));
    if (deploy_.epochs.directory.empty()) task.state_nodes = {site_.self};
    return {};
  }

  /// Where the task's state files are and come, made so that it is there after a power cut.
  Result<std::string> state_directory() const {
    ENSURE(site_.snapshots != nullptr, "node {} has no place for state files", site_.self);
    const std::string& shared = deploy_.epochs.directory;
    const SnapshotStore store =
        shared.empty() ? *site_.snapshots : SnapshotStore(site_.snapshots->files(), shared);
    TRY(store.prepare(deploy_.marked_with()));
    return store.of_run(deploy_.marked_with());
  }

  using Receivers = std::vector<std::unique_ptr<ChannelReceiver>>;
  using Senders = std::vector<std::unique_ptr<ChannelSender>>;

  Result<Receivers> receivers(std::uint32_t index) {
    const TaskEdge& edge = graph_.edges[index];
    const std::uint32_t me = token_.task.subtask;
    Receivers made;
    for (std::uint32_t from : producers_of(graph_, edge, me)) {
      const TaskPeer peer = TRY(peer_of(deploy_.inputs, index, {edge.from, from}));
      const ChannelKey key{token_.run, channel_id(index, from, me), peer.attempt, token_.attempt};
      if (edge.blocking) {
        made.push_back(noted(TRY(kept_receiver(peer, key, index)), peer));
      } else if (peer.node == site_.self) {
        made.push_back(site_.exchange.receiver(key, host_, limits_of(edge)));
      } else {
        made.push_back(noted(TRY(remote()->open_receiver(TRY(end_at(peer, key)), host_)), {}));
      }
    }
    return made;
  }

  Result<std::unique_ptr<ChannelReceiver>> kept_receiver(const TaskPeer& peer,
                                                         const ChannelKey& key,
                                                         std::uint32_t edge) {
    const AttemptKey producer{token_.run, peer.task, peer.attempt};
    if (peer.node == site_.self) {
      auto reader = std::make_unique<PartitionFileReader>(
          site_.kept.files(), site_.kept.output(producer, edge), token_.task.subtask);
      return std::unique_ptr<ChannelReceiver>(std::make_unique<FeedReceiver>(
          std::make_shared<BatchFeed>(host_, std::move(reader), nullptr, site_.clock)));
    }
    const KeptPartition what{producer, edge, token_.task.subtask};
    return remote()->fetch(TRY(end_at(peer, key)), what, host_);
  }

  Result<Senders> senders(std::uint32_t index) {
    const TaskEdge& edge = graph_.edges[index];
    const std::uint32_t me = token_.task.subtask;
    const auto consumers = consumers_of(graph_, edge, me);
    if (edge.blocking) {
      KeptPlace place{&site_.kept.files(),
                      site_.kept.output(key_, index),
                      graph_.stage(edge.to).parallelism,
                      true,
                      attempt_tag(key_),
                      run_->memory()};
      auto output = std::make_shared<KeptOutput>(host_, std::move(place));
      made_.kept.emplace_back(index, output);
      return output->senders(consumers);
    }
    Senders made;
    for (std::uint32_t to : consumers) {
      const TaskPeer peer = TRY(peer_of(deploy_.outputs, index, {edge.to, to}));
      const ChannelKey key{token_.run, channel_id(index, me, to), token_.attempt, peer.attempt};
      if (peer.node == site_.self) {
        made.push_back(site_.exchange.sender(key, host_, limits_of(edge)));
      } else {
        auto sender = TRY(remote()->open_sender(TRY(end_at(peer, key)), host_));
        made.push_back(std::make_unique<NotedSender>(std::move(sender), made_.failures));
      }
    }
    return made;
  }

  /// All channels of an edge together hold a small part of what the run may.
  ChannelLimits limits_of(const TaskEdge& edge) const {
    const std::uint64_t from = graph_.stage(edge.from).parallelism;
    const bool forward = edge.exchange == ExchangeKind::forward;
    const std::uint64_t each = forward ? 1 : graph_.stage(edge.to).parallelism;
    ChannelLimits limits = site_.channels;
    const MemoryShare share{.parts = 16 * static_cast<std::int64_t>(from * each),
                            .least = 64 << 10,
                            .most = ChannelLimits().bytes_max};
    limits.bytes_max = std::min(limits.bytes_max, share.of(run_->memory().get()));
    if (edge.flow.stream) {
      limits.batches_max = std::min(limits.batches_max, stream_channel_limits.batches_max);
      limits.bytes_max = std::min(limits.bytes_max, stream_channel_limits.bytes_max);
    }
    return limits;
  }

  std::unique_ptr<ChannelReceiver> noted(std::unique_ptr<ChannelReceiver> receiver,
                                         std::optional<TaskPeer> kept) {
    return std::make_unique<NotedReceiver>(std::move(receiver), made_.failures, std::move(kept));
  }

  Result<TaskPeer> peer_of(const std::vector<EdgePeers>& edges, std::uint32_t edge,
                           TaskId task) const {
    for (const auto& one : edges) {
      if (one.edge != edge) continue;
      // In the order of their subtasks as a rule: a search for each would be a square of them.
      const std::size_t first = task.subtask < one.peers.size() ? task.subtask : 0;
      for (std::size_t i = 0; i < one.peers.size(); ++i) {
        const TaskPeer& peer = one.peers[(first + i) % one.peers.size()];
        if (peer.task == task) return peer;
      }
    }
    return make_error(ErrorCode::invalid_argument,
                      "task {} was deployed without its peer {} on edge {} of run {}", token_.task,
                      task, edge, token_.run);
  }

  Result<RemoteEnd> end_at(const TaskPeer& peer, const ChannelKey& key) const {
    for (const auto& node : deploy_.nodes) {
      if (node.node == peer.node) return RemoteEnd{node, key};
    }
    return make_error(ErrorCode::invalid_argument,
                      "task {} was deployed without the address of node {}", token_.task,
                      peer.node);
  }

  RemoteChannels* remote() const {
    ENSURE(site_.remote != nullptr, "node {} has no links to other nodes", site_.self);
    return site_.remote;
  }

  const DeployTask& deploy_;
  const Token& token_;
  const AttemptKey key_;
  const TaskGraph& graph_;
  const std::shared_ptr<DeployedRun>& run_;
  const std::shared_ptr<TaskHost>& host_;
  const DeploymentSite& site_;
  Deployment made_;
};

}  // namespace

Result<Deployment> Deployment::make(const DeployTask& deploy,
                                    const std::shared_ptr<DeployedRun>& run,
                                    const std::shared_ptr<TaskHost>& host,
                                    const DeploymentSite& site) {
  return Builder(deploy, run, host, site).build();
}

std::vector<OutputSummary> Deployment::summaries() const {
  std::vector<OutputSummary> all;
  for (const auto& [edge, output] : kept) {
    OutputSummary summary{edge, {}};
    for (const auto& partition : output->index().partitions) {
      summary.partitions.push_back({partition.rows, partition.hash});
    }
    all.push_back(std::move(summary));
  }
  return all;
}

}  // namespace troupe
