#include "tests/sim/sim_task.hpp"

#include <algorithm>

namespace troupe::sim {
namespace {

constexpr std::size_t batch_rows = 5;
constexpr int asks_max = 8;
constexpr Duration ask_again_after = 300ms;

}  // namespace

SimTask::SimTask(World& world, NodeIndex node, TaskOwner& owner, DeployTask deploy)
    : world_(world),
      node_(node),
      owner_(owner),
      deploy_(std::move(deploy)),
      key_(key_of(deploy_.token)),
      job_(world.jobs.at(*deploy_.plan)) {
  for (const EdgePeers& in : deploy_.inputs) {
    for (const TaskPeer& peer : in.peers) {
      inputs_.push_back({peer, in.edge, edge(in.edge).blocking});
    }
  }
  for (const EdgePeers& out : deploy_.outputs) consumers_[out.edge] = out.peers;
  for (std::uint32_t index = 0; index < job_.graph.edges.size(); ++index) {
    if (edge(index).from == key_.task.stage && edge(index).blocking) {
      kept_[index].resize(job_.graph.stage(edge(index).to).parallelism);
    }
  }
  splits_left_ = deploy_.splits.size();
}

void SimTask::run() {
  if (running_) return;
  running_ = true;
  if (splits_left_ > 0) read_split(0);
  for (std::size_t input = 0; input < inputs_.size(); ++input) {
    if (inputs_[input].blocking) ask(input);
  }
  finish_if_done();
}

/// Some rows at a time, so that others come in between.
void SimTask::read_split(std::size_t split) {
  const Rows all = rows_of(deploy_.splits[split]);
  const std::size_t batches = (all.size() + batch_rows - 1) / batch_rows;
  for (std::size_t batch = 0; batch < batches; ++batch) {
    world_.loop.after(
        node_, 200us * (batch + 1), [this, all, batch, last = batch + 1 == batches, split] {
          if (over_) return;
          const auto begin = all.begin() + static_cast<std::ptrdiff_t>(batch * batch_rows);
          const auto left = static_cast<std::size_t>(all.end() - begin);
          process(Rows(begin, begin + static_cast<std::ptrdiff_t>(std::min(left, batch_rows))));
          if (over_ || !last) return;
          --splits_left_;
          if (split + 1 < deploy_.splits.size()) read_split(split + 1);
          finish_if_done();
        });
  }
}

void SimTask::ask(std::size_t index) {
  Input& input = inputs_[index];
  if (over_ || input.done) return;
  if (++input.asked > asks_max) {
    return break_with(FailureClass::node_lost, "a producer's node does not answer",
                      {input.producer});
  }
  owner_.ask_partition(input.producer, {key_,
                                        {key_.run, input.producer.task, input.producer.attempt},
                                        input.edge,
                                        World::name_of(node_)});
  world_.loop.after(node_, ask_again_after, [this, index] { ask(index); });
}

SimTask::Input* SimTask::input_of(const AttemptKey& producer, std::uint32_t edge) {
  for (Input& input : inputs_) {
    if (input.edge != edge || input.producer.task != producer.task) continue;
    const bool any = world_.mutated(Mutation::stale_data_accepted);
    return any || input.producer.attempt == producer.attempt ? &input : nullptr;
  }
  return nullptr;
}

void SimTask::take(const RowsItem& item) {
  Input* input = over_ ? nullptr : input_of(item.from, item.edge);
  if (input == nullptr) return;  // of an attempt that lost
  if (!world_.mutated(Mutation::stale_data_accepted)) {
    if (item.seq < input->next_seq) return;  // came twice
    if (item.seq > input->next_seq) {
      return break_with(FailureClass::node_lost, "rows were lost on the way");
    }
  }
  ++input->next_seq;
  process(item.rows);
  if (over_) return;
  input->done = input->done || item.end;
  finish_if_done();
}

void SimTask::take(const PartitionReply& reply) {
  Input* input = over_ ? nullptr : input_of(reply.producer, reply.edge);
  if (input == nullptr || input->done) return;
  if (reply.missing && !world_.mutated(Mutation::missing_input_is_empty)) {
    return break_with(FailureClass::node_lost, "a kept partition is gone", {input->producer},
                      ErrorCode::not_found);
  }
  input->done = true;
  process(reply.rows);
  if (!over_) finish_if_done();
}

/// Rows from there are still to come, over a channel.
bool SimTask::reads(const NodeId& node) const {
  return std::any_of(inputs_.begin(), inputs_.end(), [&](const Input& input) {
    return !input.blocking && !input.done && input.producer.node == node;
  });
}

void SimTask::rows_lost(const NodeId& from) {
  if (!reads(from)) return;
  break_with(FailureClass::node_lost, fmt::format("node {} lost rows on their way", from));
}

/// Channels to and from that node are broken. Kept partitions can be asked for again.
void SimTask::peer_lost(const NodeId& node) {
  if (over_) return;
  const bool writes = std::any_of(consumers_.begin(), consumers_.end(), [&](const auto& out) {
    return std::any_of(out.second.begin(), out.second.end(),
                       [&](const TaskPeer& peer) { return peer.node == node; });
  });
  if (reads(node) || writes) {
    break_with(FailureClass::node_lost, fmt::format("the channel with node {} broke", node));
  }
}

void SimTask::process(const Rows& rows) {
  rows_seen_ += rows.size();
  if (job_.always_fails == key_.task) {
    return break_with(FailureClass::user_error, "the user's mistake");
  }
  const auto planned = job_.fail_once.find(key_.task);
  if (planned != job_.fail_once.end() && rows_seen_ > 3 &&
      world_.failed_once.insert({job_.plan, key_.task}).second) {
    return break_with(planned->second, "planned by the model");
  }
  Rows out;
  for (const ModelRow& row : rows) out.push_back({row.key, row.value * stage().factor});
  if (stage().sums) {
    add(totals_, out);
  } else {
    emit(out, false);
  }
}

void SimTask::emit(const Rows& rows, bool end) {
  const std::uint64_t chance = stage().scatters ? mix(key_.attempt.value()) : 0;
  for (std::uint32_t index = 0; index < job_.graph.edges.size(); ++index) {
    if (edge(index).from != key_.task.stage) continue;
    auto parts = partition(rows, edge(index), job_.graph, key_.task.subtask, chance);
    if (edge(index).blocking) {
      for (std::size_t to = 0; to < parts.size(); ++to) {
        auto& kept = kept_[index][to];
        kept.insert(kept.end(), parts[to].begin(), parts[to].end());
      }
      continue;
    }
    for (const TaskPeer& peer : consumers_[index]) {
      Rows& part = parts[peer.task.subtask];
      if (part.empty() && !end) continue;
      std::uint64_t& seq = sent_[{index, peer.task.subtask}];
      owner_.send_rows(
          peer, {key_, {key_.run, peer.task, peer.attempt}, index, seq++, std::move(part), end});
    }
  }
  staged_.insert(staged_.end(), rows.begin(), rows.end());
}

void SimTask::finish_if_done() {
  if (over_ || !running_ || splits_left_ > 0) return;
  const bool all =
      std::all_of(inputs_.begin(), inputs_.end(), [](const Input& input) { return input.done; });
  if (!all) return;
  over_ = true;
  world_.loop.after(node_, world_.between(50us, 2ms), [this] { finish(); });
}

void SimTask::finish() {
  if (stopped_) return;
  Rows rows;
  for (const auto& [key, value] : totals_) rows.push_back({key, value});
  emit(rows, true);
  const bool unwritten = !kept_.empty() && world_.disk_full(node_);
  if (unwritten) {
    ++world_.damage.kept_writes;
    if (!world_.mutated(Mutation::failed_sync_ignored)) {
      over_ = false;
      return break_with(world_.mutated(Mutation::bad_node_not_avoided) ? FailureClass::internal
                                                                       : FailureClass::node_fault,
                        "what it keeps did not reach the disk");
    }
  }
  TaskFinished report;
  for (const auto& [index, parts] : kept_) {
    OutputSummary& summary = report.outputs.emplace_back();
    summary.edge = index;
    for (const Rows& part : parts) {
      summary.partitions.push_back(world_.mutated(Mutation::hashes_ignored) ? PartitionSummary{}
                                                                            : summary_of(part));
    }
  }
  if (unwritten) {
    for (auto& [index, parts] : kept_) parts.assign(parts.size(), Rows());
  }
  const bool is_sink = kept_.empty() && consumers_.empty();
  if (is_sink) {
    report.sink = vertex_of(key_.task.stage);
    const auto count = static_cast<std::int64_t>(staged_.size());
    world_.storage.stage(sink_marker(deploy_.run_uid, report.sink), attempt_tag(key_),
                         std::move(staged_));
    report.committables.push_back({attempt_tag(key_), count});
  }
  owner_.task_done(key_, std::move(report), std::move(kept_));
}

void SimTask::break_with(FailureClass failure, std::string message, std::vector<TaskPeer> lost,
                         ErrorCode code) {
  if (over_) return;
  over_ = true;
  TaskFailed report;
  report.failure = failure;
  report.error = fail(code, "{}", message);
  report.lost_inputs = std::move(lost);
  // Not from within whoever is calling us.
  world_.loop.after(node_, 10us, [this, report = std::move(report)] {
    if (!stopped_) owner_.task_broke(key_, report);
  });
}

}  // namespace troupe::sim
