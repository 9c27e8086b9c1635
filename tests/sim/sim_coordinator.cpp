#include "tests/sim/sim_coordinator.hpp"

#include "runtime/protocol/message_codec.hpp"
#include "runtime/protocol/message_text.hpp"
#include "tests/sim/faulty_admission.hpp"

#include <algorithm>
#include <utility>

namespace troupe::sim {
namespace {

constexpr Duration tick_every = 50ms;

std::vector<Looked> looks_of(const StoreSteps& steps, const Store& store) {
  std::vector<Looked> answers;
  for (const StoreStep& step : steps) {
    if (const auto* look = std::get_if<effect::Look>(&step))
      answers.push_back(store.look_up(*look));
  }
  return answers;
}

}  // namespace

SimCoordinator::SimCoordinator(World& world)
    : world_(world), incarnation_(world.next_incarnation(World::coordinator)) {
  const Term before = world_.store.term();
  ClusterImage image = *world_.store.begin_term();
  if (world_.mutated(Mutation::term_not_raised) && before != Term()) image.term = before;
  if (world_.mutated(Mutation::cleanup_forgotten)) image.leftovers.clear();
  world_.check(image.term > before, "a new leader must act in a term of its own");
  for (NodeIndex node = 1; node < world_.nodes(); ++node) {
    SessionConfig config = world_.session(World::coordinator, node, incarnation_);
    const auto known = image.nodes.find(World::name_of(node));
    if (known != image.nodes.end()) {
      const NodeRecord& record = known->second;
      config.fenced_up_to =
          record.ended ? record.incarnation : Incarnation(record.incarnation.value() - 1);
    }
    sessions_.emplace(node, std::make_unique<Session>(config, world_.clock(World::coordinator)));
  }
  machine_ = std::make_unique<CoordinatorMachine>(
      CoordinatorConfig{world_.node_lease}, std::move(image), world_.clock(World::coordinator),
      std::make_unique<FaultyAdmission>(world_.options.mutation));
  world_.loop.after(World::coordinator, Duration(0), [this] { begin(); });
}

void SimCoordinator::begin() {
  recovering_ = true;
  Effects effects = machine_->start(world_.clock(World::coordinator));
  if (world_.mutated(Mutation::published_not_recommitted)) {
    std::erase_if(effects, [](const Effect& effect) {
      return std::holds_alternative<effect::CommitSink>(effect);
    });
  }
  if (world_.store.term() > Term(1) && killed_at(KillPoint::during_recovery)) return;
  carry(std::move(effects));
  if (dead_) return;
  std::vector<NodeIndex> peers;
  for (const auto& [node, session] : sessions_) peers.push_back(node);
  world_.net.up(World::coordinator, *this, peers);
  tick();
}

void SimCoordinator::tick() {
  const Instant now = world_.clock(World::coordinator);
  for (auto& [node, session] : sessions_) {
    if (now >= session->next_tick(now)) tell_session(node, session_event::Tick{});
    if (dead_) return;
  }
  const auto deadline = machine_->next_deadline();
  if (deadline && *deadline <= now) decide(coordinator_event::Tick{});
  if (dead_) return;
  world_.loop.after(World::coordinator, tick_every, [this] { tick(); });
}

bool SimCoordinator::killed_at(KillPoint point) {
  return world_.killed_at(point, World::coordinator);
}

void SimCoordinator::on_kill() {
  dead_ = true;
  // A transaction that was under way has reached the disk or not; half of it never does.
  if (!writing_.empty() && world_.random.chance(1, 2)) commit_write();
}

// ---- network

void SimCoordinator::on_connected(NodeIndex peer) {
  tell_session(peer, session_event::Connected{});
}
void SimCoordinator::on_disconnected(NodeIndex peer) {
  tell_session(peer, session_event::Disconnected{});
}
void SimCoordinator::on_refused(NodeIndex peer) {
  tell_session(peer, session_event::Refused{});
  if (!dead_) decide(ClusterEvent(cluster_event::AddressRefused{World::name_of(peer)}));
}

void SimCoordinator::on_packet(NodeIndex peer, const Packet& packet) {
  const auto frame = world_.opened(packet, World::coordinator, peer);
  if (frame) tell_session(peer, session_event::Received{*frame});
}

void SimCoordinator::tell_session(NodeIndex peer, const SessionEvent& event) {
  Session& session = *sessions_.at(peer);
  const bool theirs = world_.mutated(Mutation::two_clocks) &&
                      std::holds_alternative<session_event::Received>(event);
  const Instant now = world_.clock(theirs ? peer : World::coordinator);
  for (SessionEffect& effect : session.on(event, now)) {
    std::visit([&](auto& each) { carry_session(peer, each); }, effect);
    if (dead_) return;
  }
}

template <class E>
void SimCoordinator::carry_session(NodeIndex peer, E& effect) {
  using namespace session_effect;
  const NodeId node = World::name_of(peer);
  if constexpr (std::is_same_v<E, Transmit> || std::is_same_v<E, Reply>) {
    const ByteSpan bytes = effect.frame.bytes();
    auto packet = std::make_shared<Packet>();
    packet->frame.assign(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    if constexpr (std::is_same_v<E, Transmit>) {
      world_.net.send(World::coordinator, peer, std::move(packet));
    } else {
      world_.net.reply(World::coordinator, peer, std::move(packet));
    }
  } else if constexpr (std::is_same_v<E, Deliver>) {
    receive(peer, effect.frame);
  } else if constexpr (std::is_same_v<E, Closed>) {
    decide(ClusterEvent(cluster_event::Closed{node}));
  } else if constexpr (std::is_same_v<E, Resumed>) {
    decide(ClusterEvent(cluster_event::Resumed{node}));
  } else if constexpr (std::is_same_v<E, Down>) {
    world_.trace("c loses {} ({})", node, effect.text);
    if (world_.mutated(Mutation::loss_not_told)) return;
    decide(ClusterEvent(cluster_event::Down{node, effect.incarnation, effect.text}));
  } else if constexpr (std::is_same_v<E, LeaseEnded>) {
    if (world_.mutated(Mutation::loss_not_told)) return;
    decide(ClusterEvent(cluster_event::LeaseEnded{node, effect.incarnation}));
  } else if constexpr (std::is_same_v<E, Reconnect>) {
    world_.net.reconnect(World::coordinator, peer);
  }
}

void SimCoordinator::receive(NodeIndex peer, const Frame& frame) {
  auto report = report_of(frame);
  world_.check(report.ok(), "executors send reports");
  world_.trace("c <- n{} {} {}", peer, name_of(*report),
               token_of(*report) ? attempt_tag(key_of(*token_of(*report))) : "");
  auto& heard = world_.heard[World::coordinator];
  if (heard.size() < 400) heard.push_back(frame);
  if (world_.mutated(Mutation::attempt_not_compared)) claim_current(*report);
  const bool finished = std::holds_alternative<TaskFinished>(*report);
  const bool listed = std::holds_alternative<Inventory>(*report);
  if (listed && killed_at(KillPoint::asked_not_listed)) return;
  if (world_.mutated(Mutation::acknowledge_before_persist) && finished) {
    send(peer, AckReport{*token_of(*report)});
  }
  decide(coordinator_event::Received{World::name_of(peer), *std::move(report)});
  if (!dead_ && finished) killed_at(KillPoint::reported_not_persisted);
}

/// The mutant: whatever attempt reports, it is taken for the current one.
void SimCoordinator::claim_current(Report& report) {
  std::visit(
      [&](auto& message) {
        if constexpr (requires { message.token; }) {
          const auto job = machine_->runs().find(message.token.run);
          if (job == machine_->runs().end()) return;
          const auto task = job->second->tasks().find(message.token.task);
          if (task == job->second->tasks().end()) return;
          if (task->second.attempt != Attempt()) message.token.attempt = task->second.attempt;
        }
      },
      report);
}

/// A frame that was heard before, straight to the machine: its tokens alone must make it harmless.
void SimCoordinator::replay(const Frame& frame, NodeIndex from) {
  auto report = report_of(frame);
  if (!report) return;
  world_.trace("c hears {} of n{} again", name_of(*report), from);
  if (world_.mutated(Mutation::attempt_not_compared)) claim_current(*report);
  decide(coordinator_event::Received{World::name_of(from), *std::move(report)});
}

// ---- clients

void SimCoordinator::submit(Submission submission, Answer answer) {
  answers_[++last_request_] = std::move(answer);
  decide(coordinator_event::Submit{last_request_, std::move(submission)});
}

void SimCoordinator::cancel(RunId run, Answer answer) {
  answers_[++last_request_] = std::move(answer);
  decide(coordinator_event::Cancel{last_request_, run, "the client"});
}

// ---- effects

void SimCoordinator::decide(const CoordinatorEvent& event) {
  Effects effects = machine_->on(event, world_.clock(World::coordinator));
  check_slots();
  carry(std::move(effects));
}

/// Slots are held by the regions that are at work, all of them and nobody else.
void SimCoordinator::check_slots() const {
  std::set<Claim> at_work;
  for (const auto& [run, machine] : machine_->runs()) {
    if (machine->topology() == nullptr) continue;
    for (const auto& [task, status] : machine->tasks()) {
      if (status.active()) at_work.insert({run, machine->topology()->region_of(task)});
    }
  }
  std::set<Claim> holding;
  std::map<NodeId, std::uint32_t> used;
  for (const auto& [claim, nodes] : machine_->admission().held()) {
    holding.insert(claim);
    for (const NodeId& node : nodes) ++used[node];
  }
  world_.check(holding == at_work, "slots are held by other regions than are at work");
  for (const auto& [name, node] : machine_->view().nodes) {
    world_.check(node.used == used[name], "the slots in use of a node are not those that are held");
  }
}

void SimCoordinator::carry(Effects effects) {
  for (Effect& effect : effects) {
    if (world_.mutated(Mutation::send_before_persist)) release_early();
    std::visit([this](auto& each) { carry_out(each); }, effect);
    if (dead_) return;
  }
}

/// The mutant: what is being written counts as written.
void SimCoordinator::release_early() {
  if (early_ || last_ticket_ == 0) return;
  early_ = true;
  carry(machine_->on(coordinator_event::Persisted{last_ticket_}, world_.clock(World::coordinator)));
  early_ = false;
}

void SimCoordinator::carry_out(effect::Persist& persist) {
  last_ticket_ = persist.ticket;
  to_write_.emplace_back(std::move(persist));
  if (killed_at(KillPoint::decided_not_written)) return;
  if (world_.mutated(Mutation::persist_before_sync)) {
    world_.loop.after(World::coordinator, 10us, [this, ticket = last_ticket_] {
      decide(coordinator_event::Persisted{ticket});
    });
  }
  if (writing_.empty()) write_next();
}

void SimCoordinator::carry_out(effect::Look& look) {
  if (killed_at(KillPoint::asked_not_looked_up)) return;
  if (world_.mutated(Mutation::look_out_of_order)) {
    const Looked answer = world_.store.look_up(look);
    world_.loop.after(World::coordinator, world_.between(100us, 10ms),
                      [this, answer] { decide(answer); });
    return;
  }
  to_write_.emplace_back(std::move(look));
  if (writing_.empty()) write_next();
}

/// Everything that waits is one transaction: the disk is asked once.
void SimCoordinator::write_next() {
  writing_ = std::exchange(to_write_, {});
  writing_ticket_ = last_ticket_;
  if (writing_.empty()) return;
  if (writes_state(RunState::finishing) && killed_at(KillPoint::all_finished_before_manifest)) {
    return;
  }
  world_.loop.after(World::coordinator, world_.between(100us, 3ms), [this] { written(); });
}

bool SimCoordinator::writes_state(RunState state) const {
  return writes([&](const Record& record) {
    const auto* run = std::get_if<RunStateRecord>(&record);
    return run != nullptr && run->to == state;
  });
}

bool SimCoordinator::writes_epoch(EpochState state) const {
  return writes([&](const Record& record) {
    const auto* epoch = std::get_if<EpochRecord>(&record);
    return epoch != nullptr && epoch->to == state;
  });
}

template <class Wanted>
bool SimCoordinator::writes(Wanted wanted) const {
  return std::any_of(writing_.begin(), writing_.end(), [&](const StoreStep& step) {
    const auto* persist = std::get_if<effect::Persist>(&step);
    return persist != nullptr &&
           std::any_of(persist->records.begin(), persist->records.end(), wanted);
  });
}

std::vector<Looked> SimCoordinator::commit_write() {
  auto answers = world_.store.carry_out(writing_);
  if (!answers) world_.violation(answers.error().to_string());
  if (world_.mutated(Mutation::look_from_old_snapshot)) forget_recent(*answers);
  return *answers;
}

/// The mutant: what this write and the last one have made is not there yet.
void SimCoordinator::forget_recent(std::vector<Looked>& answers) {
  std::set<RunId> made;
  (void)writes([&](const Record& record) {
    if (const auto* run = std::get_if<RunRecord>(&record)) made.insert(run->run);
    return false;
  });
  for (Looked& answer : answers) {
    for (std::optional<RunId>* run : {&answer.with_key, &answer.of_interval}) {
      if (*run && (made.contains(**run) || last_made_.contains(**run))) run->reset();
    }
  }
  last_made_ = std::move(made);
}

/// The disk said no; whether the rows are on it nobody knows. Whoever goes on would act on rows
/// that may not be there, so the coordinator ends and reads again what is true.
bool SimCoordinator::write_failed() {
  ++world_.damage.store_writes;
  world_.trace("the store refuses a write");
  if (world_.mutated(Mutation::failed_write_ignored)) {
    const std::uint64_t ticket = writing_ticket_;
    const std::vector<Looked> answers = looks_of(writing_, world_.store);
    writing_.clear();
    tell_looked(answers);
    decide(coordinator_event::Persisted{ticket});
    if (!dead_ && writing_.empty()) write_next();
  } else {
    world_.kill(World::coordinator, world_.between(10ms, 1s));
  }
  return true;
}

void SimCoordinator::written() {
  if (std::exchange(world_.store_fails_next, false) && write_failed()) return;
  const bool manifest = writes_state(RunState::finishing);
  const bool published = writes_epoch(EpochState::published);
  const std::uint64_t ticket = writing_ticket_;
  const std::vector<Looked> answers = commit_write();
  writing_.clear();
  if (killed_at(KillPoint::after_persist_before_send)) return;
  if (manifest && killed_at(KillPoint::manifest_started_not_published)) return;
  if (published && killed_at(KillPoint::published_not_committed)) return;
  if (!answers.empty() && killed_at(KillPoint::looked_up_not_made)) return;
  tell_looked(answers);
  if (dead_) return;
  if (!world_.mutated(Mutation::persist_before_sync) &&
      !world_.mutated(Mutation::send_before_persist)) {
    decide(coordinator_event::Persisted{ticket});
  }
  if (!dead_ && writing_.empty()) write_next();
}

/// In the order of their looks, and before what says that later rows are durable.
void SimCoordinator::tell_looked(const std::vector<Looked>& answers) {
  for (const Looked& answer : answers) {
    if (!dead_) decide(answer);
  }
}

void SimCoordinator::carry_out(effect::Send& effect) {
  check_durable(effect);
  const NodeIndex peer = World::index_of(effect.node);
  const Session& session = *sessions_.at(peer);
  if (!session.up() || session.peer_incarnation() != effect.incarnation) return;
  send(peer, effect.command);
}

void SimCoordinator::send(NodeIndex peer, const Command& command) {
  world_.trace("c -> n{} {}", peer, name_of(command));
  tell_session(
      peer, session_event::Send{frame_of(
                command, {ClusterName("sim"), World::name_of(World::coordinator), incarnation_})});
}

/// No effect before its row.
void SimCoordinator::check_durable(const effect::Send& effect) const {
  const auto state_of = [&](const Token& token) {
    const AttemptImage* attempt = world_.store.attempt(key_of(token));
    world_.check(attempt != nullptr, "a command about an attempt that has no row");
    return attempt->state;
  };
  if (const auto* deploy = std::get_if<DeployTask>(&effect.command)) state_of(deploy->token);
  if (const auto* start = std::get_if<StartTask>(&effect.command)) {
    world_.check(state_of(start->token) != AttemptState::deploying,
                 "a StartTask before the row that says RUNNING");
  }
  if (const auto* ack = std::get_if<AckReport>(&effect.command)) {
    const AttemptState state = state_of(ack->token);
    world_.check(state != AttemptState::deploying && state != AttemptState::running,
                 "a report was acknowledged before it was durable");
  }
  if (const auto* joined = std::get_if<Joined>(&effect.command)) {
    const auto node = world_.store.nodes().find(effect.node);
    world_.check(
        node != world_.store.nodes().end() && node->second.incarnation >= joined->incarnation,
        "a node was told Joined before its incarnation was durable");
  }
  if (const auto* release = std::get_if<ReleaseRun>(&effect.command)) {
    world_.check(ended(world_.store.all_runs().at(release->token.run).state),
                 "a run was released before it had ended");
  }
}

void SimCoordinator::carry_out(effect::PlanTasks& plan) {
  world_.loop.after(World::coordinator, world_.between(100us, 5ms), [this, plan] {
    TaskGraph graph = world_.jobs.at(*plan.plan).graph;
    decide(coordinator_event::Planned{plan.run, std::move(graph)});
  });
}

void SimCoordinator::carry_out(effect::CommitSink& commit) {
  const auto run = world_.store.all_runs().find(commit.run);
  world_.check(run != world_.store.all_runs().end() && run->second.epoch &&
                   *run->second.epoch == EpochState::published,
               "a sink is committed although its epoch is not published");
  if (world_.mutated(Mutation::commit_forgets_one) && !commit.committables.empty()) {
    commit.committables.pop_back();
  }
  if (world_.mutated(Mutation::commit_all_staged)) {
    commit.committables = world_.storage.all_staged(commit.marker);
  }
  world_.loop.after(World::coordinator, world_.between(100us, 8ms),
                    [this, commit] { commit_now(commit); });
}

void SimCoordinator::commit_now(const effect::CommitSink& commit) {
  const Result<> done = world_.storage.commit(commit);
  if (!done) world_.violation(done.error().to_string());
  const std::size_t sinks = world_.store.all_runs().at(commit.run).manifest.size();
  const std::size_t committed = ++committed_sinks_[commit.run];
  if (committed < sinks && killed_at(KillPoint::committing_half_the_sinks)) return;
  if (committed == sinks && killed_at(KillPoint::committed_not_recorded)) return;
  world_.loop.after(World::coordinator, world_.between(100us, 2ms), [this, commit] {
    decide(coordinator_event::SinkCommitted{commit.run, commit.vertex});
  });
}

void SimCoordinator::carry_out(effect::CleanUpSinks& clean_up) {
  world_.check(ended(world_.store.all_runs().at(clean_up.run).state),
               "a run is cleaned up before it has ended");
  if (killed_at(KillPoint::ended_not_cleaned)) return;
  world_.loop.after(World::coordinator, world_.between(100us, 5ms), [this, clean_up] {
    const Result<> done = world_.storage.clean_up(clean_up);
    if (!done) world_.violation(done.error().to_string());
    decide(coordinator_event::CleanedUp{clean_up.run});
  });
}

void SimCoordinator::carry_out(effect::Reply& reply) {
  if (reply.answer) {
    world_.check(world_.store.all_runs().contains(*reply.answer),
                 "a submission was answered before its run was durable");
  }
  const auto found = answers_.find(reply.request);
  if (found == answers_.end()) return;
  const Answer answer = std::move(found->second);
  answers_.erase(found);
  answer(reply.answer);
}

void SimCoordinator::carry_out(effect::RunEnded& ended_run) {
  world_.trace("run {} is {} {}", ended_run.run, to_string(ended_run.state),
               ended_run.cause ? ended_run.cause->to_string() : "");
  world_.check(world_.store.all_runs().at(ended_run.run).state == ended_run.state,
               "a run was said to have ended before its row did");
}

void SimCoordinator::carry_out(effect::Halt& halt) {
  world_.violation(fmt::format("the coordinator halted: {}", halt.reason.to_string()));
}

void SimCoordinator::carry_out(effect::RefuseReport& refused) {
  ++world_.refused_reports;
  world_.trace("c refuses: {}", refused.what);
}

std::unique_ptr<Process> make_coordinator(World& world) {
  return std::make_unique<SimCoordinator>(world);
}

}  // namespace troupe::sim
