#include "tests/sim/sim_executor.hpp"

#include "runtime/protocol/message_codec.hpp"

#include <algorithm>
#include <utility>

namespace troupe::sim {
namespace {

constexpr Duration tick_every = 50ms;
constexpr Duration report_progress_every = 500ms;
constexpr std::size_t heard_max = 400;

ExecutorConfig config_of(NodeIndex self, Incarnation incarnation) {
  ExecutorConfig config;
  config.self = World::name_of(self);
  config.incarnation = incarnation;
  config.cluster = ClusterId("sim");
  config.address = fmt::format("sim://{}", self);
  config.slots = 2 + static_cast<std::uint32_t>(self % 2);
  return config;
}

}  // namespace

SimExecutor::SimExecutor(World& world, NodeIndex self)
    : world_(world),
      self_(self),
      incarnation_(world.next_incarnation(self)),
      machine_(config_of(self, incarnation_)) {
  session_ = std::make_unique<Session>(world.session(self, World::coordinator, incarnation_),
                                       world.clock(self));
  world_.loop.after(self_, Duration(0), [this] { begin(); });
}

void SimExecutor::begin() {
  std::vector<NodeIndex> peers;
  for (NodeIndex node = 0; node < world_.nodes(); ++node) {
    if (node != self_) peers.push_back(node);
  }
  world_.net.up(self_, *this, peers);
  tick();
}

void SimExecutor::tick() {
  const Instant now = world_.clock(self_);
  if (now >= session_->next_tick(now)) tell_session(session_event::Tick{});
  if (dead_) return;
  if (now.time_since_epoch() / tick_every % (report_progress_every / tick_every) == 0) {
    for (const auto& [key, task] : tasks_) {
      if (task->running()) decide(executor_event::TaskMoved{key, {}});
    }
  }
  if (!dead_) world_.loop.after(self_, tick_every, [this] { tick(); });
}

bool SimExecutor::killed_at(KillPoint point) { return world_.killed_at(point, self_); }

// ---- network

void SimExecutor::on_connected(NodeIndex peer) {
  if (peer == World::coordinator) return tell_session(session_event::Connected{});
  if (lost_to_.erase(peer) == 0) return;
  auto packet = std::make_shared<Packet>();
  packet->data = RowsLost{};
  world_.net.send(self_, peer, std::move(packet));
}

void SimExecutor::on_disconnected(NodeIndex peer) {
  if (peer == World::coordinator) return tell_session(session_event::Disconnected{});
  for (const auto& [key, task] : tasks_) task->peer_lost(World::name_of(peer));
  if (!world_.mutated(Mutation::lost_rows_not_told)) lost_to_.insert(peer);
}

void SimExecutor::on_refused(NodeIndex peer) {
  if (peer == World::coordinator) tell_session(session_event::Refused{});
}

void SimExecutor::on_packet(NodeIndex peer, const Packet& packet) {
  if (peer == World::coordinator) {
    const auto frame = world_.opened(packet, self_, peer);
    if (frame) tell_session(session_event::Received{*frame});
    return;
  }
  if (packet.damaged) return world_.refuse_damaged(self_, peer);
  if (const auto* rows = std::any_cast<RowsItem>(&packet.data)) take(peer, *rows);
  if (std::any_cast<RowsLost>(&packet.data) != nullptr) {
    for (const auto& [key, task] : tasks_) task->rows_lost(World::name_of(peer));
  }
  if (const auto* request = std::any_cast<PartitionRequest>(&packet.data)) take(peer, *request);
  if (const auto* reply = std::any_cast<PartitionReply>(&packet.data)) take(peer, *reply);
}

void SimExecutor::tell_session(const SessionEvent& event) {
  const Session* current = session_.get();
  for (SessionEffect& effect : session_->on(event, world_.clock(self_))) {
    std::visit([&](auto& each) { carry_session(each); }, effect);
    if (dead_ || session_.get() != current) return;
  }
}

template <class E>
void SimExecutor::carry_session(E& effect) {
  using namespace session_effect;
  if constexpr (std::is_same_v<E, Transmit> || std::is_same_v<E, Reply>) {
    const ByteSpan bytes = effect.frame.bytes();
    auto packet = std::make_shared<Packet>();
    packet->frame.assign(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    if constexpr (std::is_same_v<E, Transmit>) {
      world_.net.send(self_, World::coordinator, std::move(packet));
    } else {
      world_.net.reply(self_, World::coordinator, std::move(packet));
    }
  } else if constexpr (std::is_same_v<E, Deliver>) {
    auto& heard = world_.heard[self_];
    if (heard.size() < heard_max) heard.push_back(effect.frame);
    obey(effect.frame);
  } else if constexpr (std::is_same_v<E, Up>) {
    decide(executor_event::SessionUp{});
    killed_at(KillPoint::joining);
  } else if constexpr (std::is_same_v<E, Down>) {
    decide(executor_event::SessionDown{});
  } else if constexpr (std::is_same_v<E, Fenced>) {
    be_reborn(effect.highest);
  } else if constexpr (std::is_same_v<E, Rejected>) {
    world_.violation(fmt::format("n{} is rejected: {}", self_, effect.text));
  } else if constexpr (std::is_same_v<E, Reconnect>) {
    world_.net.reconnect(self_, World::coordinator);
  }
}

/// This process goes on as another incarnation.
void SimExecutor::be_reborn(Incarnation above) {
  incarnation_ = world_.next_incarnation(self_, above);
  world_.trace("n{} is reborn as {}", self_, incarnation_);
  if (incarnation_ > machine_.incarnation()) decide(executor_event::Reborn{incarnation_});
  if (dead_) return;
  // As in a real node: the next one begins when nothing of the one before runs any more.
  while (!tasks_.empty()) retire(AttemptKey(tasks_.begin()->first));
  kept_.clear();
  session_ = std::make_unique<Session>(world_.session(self_, World::coordinator, incarnation_),
                                       world_.clock(self_));
  world_.net.reconnect(self_, World::coordinator);
}

void SimExecutor::obey(const Frame& frame) {
  auto command = command_of(frame);
  world_.check(command.ok(), "coordinators send commands");
  const Term seen = machine_.term_seen();
  const Command original = *command;
  if (world_.mutated(Mutation::tokens_not_compared)) {
    std::visit(
        [&](auto& message) {
          if constexpr (requires { message.token; }) {
            message.token.term = seen;
            message.token.incarnation = incarnation_;
          }
        },
        *command);
  }
  if (world_.mutated(Mutation::cancel_ignored) && std::holds_alternative<CancelTask>(*command)) {
    return;
  }
  ExecutorEffects effects =
      machine_.on(executor_event::Received{*std::move(command)}, world_.clock(self_));
  check_fence(original, seen, effects);
  carry(std::move(effects));
}

/// A command with a stale token changes nothing, however it got here.
void SimExecutor::check_fence(const Command& command, Term seen,
                              const ExecutorEffects& effects) const {
  const Token* token = token_of(command);
  if (token == nullptr || (token->term >= seen && token->incarnation == incarnation_)) return;
  for (const ExecutorEffect& effect : effects) {
    world_.check(std::holds_alternative<executor_effect::RefuseCommand>(effect),
                 "a command with a stale token was obeyed");
  }
}

void SimExecutor::replay(const Frame& frame) {
  world_.trace("n{} hears an old command again", self_);
  obey(frame);
}

void SimExecutor::rot(std::uint64_t chance) {
  if (kept_.empty()) return;
  const auto victim = std::next(kept_.begin(), static_cast<std::ptrdiff_t>(chance % kept_.size()));
  world_.trace("what n{} keeps of {} rots", self_, attempt_tag(victim->first));
  rotten_.insert(victim->first);
}

// ---- effects

void SimExecutor::decide(const ExecutorEvent& event) {
  carry(machine_.on(event, world_.clock(self_)));
}

void SimExecutor::carry(ExecutorEffects effects) {
  for (ExecutorEffect& effect : effects) {
    std::visit([this](auto& each) { carry_out(each); }, effect);
    if (dead_) return;
  }
}

void SimExecutor::carry_out(executor_effect::Send& effect) {
  if (!session_->up()) return;
  if (world_.mutated(Mutation::failure_is_success)) {
    if (const auto* failed = std::get_if<TaskFailed>(&effect.report)) {
      TaskFinished finished;
      finished.token = failed->token;
      effect.report = finished;
    }
  }
  const bool ready = std::holds_alternative<TaskReady>(effect.report);
  const bool finished = std::holds_alternative<TaskFinished>(effect.report);
  tell_session(session_event::Send{
      frame_of(effect.report, {ClusterName("sim"), World::name_of(self_), incarnation_})});
  if (dead_) return;
  if (ready && killed_at(KillPoint::ready_not_started)) return;
  if (finished) killed_at(KillPoint::reported_not_acknowledged);
}

void SimExecutor::carry_out(executor_effect::OpenTask& effect) {
  const AttemptKey key = key_of(effect.deploy.token);
  world_.trace("n{} opens {}", self_, attempt_tag(key));
  if (killed_at(KillPoint::deployed_not_ready)) return;
  world_.loop.after(self_, world_.between(50us, 4ms), [this, key, deploy = effect.deploy] {
    const std::vector<HeldTask> all = machine_.held();
    const bool held = std::any_of(all.begin(), all.end(),
                                  [&](const HeldTask& task) { return key_of(task) == key; });
    if (!held) return;
    tasks_[key] = std::make_unique<SimTask>(world_, self_, *this, deploy);
    decide(executor_event::TaskOpened{key});
    if (dead_ || !world_.mutated(Mutation::start_without_ready)) return;
    executor_effect::RunTask run{key};
    carry_out(run);
  });
}

void SimExecutor::carry_out(executor_effect::RunTask& effect) {
  const auto task = tasks_.find(effect.key);
  if (task == tasks_.end()) return;
  if (killed_at(KillPoint::running)) return;
  world_.trace("n{} runs {}", self_, attempt_tag(effect.key));
  task->second->run();
  if (world_.mutated(Mutation::gives_up_for_nothing) && world_.random.chance(1, 40)) {
    task->second->give_up();
  }
}

void SimExecutor::carry_out(executor_effect::StopTask& effect) {
  world_.loop.after(self_, world_.between(50us, 5ms), [this, key = effect.key] {
    retire(key);
    kept_.erase(key);
    decide(executor_event::TaskGone{key});
  });
}

void SimExecutor::carry_out(executor_effect::DropOutputs& effect) { kept_.erase(effect.key); }

void SimExecutor::carry_out(executor_effect::RefuseCommand& refused) {
  ++world_.refused_commands;
  world_.trace("n{} refuses ({}): {}", self_, to_string(refused.refusal), refused.what);
}

void SimExecutor::carry_out(executor_effect::Expelled& expelled) {
  world_.check(expelled.highest != Incarnation(), "an executor was refused for good");
  be_reborn(expelled.highest);
}

/// A callback in the loop may still name the task, so it is put aside, not destroyed.
void SimExecutor::retire(const AttemptKey& key) {
  auto task = tasks_.extract(key);
  if (!task) return;
  task.mapped()->stop();
  stopped_.push_back(std::move(task.mapped()));
}

// ---- what tasks ask of it

void SimExecutor::task_done(const AttemptKey& key, TaskFinished report, Kept kept) {
  if (killed_at(KillPoint::finished_not_reported)) return;
  if (!tasks_.contains(key)) return;
  kept_[key] = std::move(kept);
  retire(key);
  decide(executor_event::TaskDone{key, std::move(report)});
}

void SimExecutor::task_broke(const AttemptKey& key, TaskFailed report) {
  if (!tasks_.contains(key)) return;
  world_.trace("n{} {} breaks: {}", self_, attempt_tag(key), report.error.message);
  retire(key);
  decide(executor_event::TaskBroke{key, std::move(report)});
}

template <class Item>
void SimExecutor::pass(NodeIndex to, Item item) {
  if (to == self_) {
    world_.loop.after(self_, 10us, [this, item = std::move(item)] { take(self_, item); });
    return;
  }
  auto packet = std::make_shared<Packet>();
  packet->data = std::move(item);
  world_.net.send(self_, to, std::move(packet));
}

void SimExecutor::send_rows(const TaskPeer& to, RowsItem item) {
  const NodeIndex node = World::index_of(to.node);
  const bool end = item.end;
  pass(node, std::move(item));
  // The last rows of a task that will not be there to hear of their loss.
  if (end && node != self_ && world_.cuts_an_end()) {
    world_.trace("the connection from n{} to n{} breaks with the last rows", self_, node);
    world_.net.cut(self_, node);
  }
}

void SimExecutor::ask_partition(const TaskPeer& of, PartitionRequest request) {
  pass(World::index_of(of.node), std::move(request));
}

void SimExecutor::take(NodeIndex, const RowsItem& item) {
  const auto task = tasks_.find(item.to);
  if (task != tasks_.end()) task->second->take(item);
}

void SimExecutor::take(NodeIndex, const PartitionRequest& request) {
  if (killed_at(KillPoint::serving_a_partition)) return;
  PartitionReply reply{request.reader, request.producer, request.edge};
  const auto kept = kept_.find(request.producer);
  reply.missing = kept == kept_.end() || !kept->second.contains(request.edge);
  if (!reply.missing) {
    reply.rows = kept->second.at(request.edge).at(request.reader.task.subtask);
  }
  if (rotten_.contains(request.producer) && !reply.rows.empty()) {
    ++world_.damage.partitions;
    reply.rows.front().value ^= 1 << 4;
    reply.missing = !world_.mutated(Mutation::rot_not_seen);
  }
  pass(World::index_of(request.reader_node), std::move(reply));
}

void SimExecutor::take(NodeIndex, const PartitionReply& reply) {
  const auto task = tasks_.find(reply.reader);
  if (task != tasks_.end()) task->second->take(reply);
}

std::unique_ptr<Process> make_executor(World& world, NodeIndex self) {
  return std::make_unique<SimExecutor>(world, self);
}

}  // namespace troupe::sim
