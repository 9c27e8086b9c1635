#include "tests/sim/sim_coordinator.hpp"

#include "runtime/protocol/message_codec.hpp"
#include "runtime/protocol/message_text.hpp"
#include "tests/sim/faulty_admission.hpp"

#include <algorithm>
#include <utility>

namespace troupe::sim {
namespace {

constexpr Duration tick_every = 50ms;
constexpr Duration store_read_max = 5ms;
constexpr Duration write_max = 3ms;
/// So small that most errands take several parts.
constexpr std::size_t errand_part_bytes_here = 1500;
/// So short that slow ones are asked for again.
constexpr Duration errand_patience_here = 3s;

CoordinatorConfig config_of(const World& world) {
  const bool waits = world.mutated(Mutation::silent_errand_awaited);
  return {.node_lease = world.node_lease,
          .errand_part_bytes = errand_part_bytes_here,
          .errand_patience = waits ? Duration(24h) : errand_patience_here};
}

std::vector<Looked> looks_of(const StoreSteps& steps, const Store& store) {
  std::vector<Looked> answers;
  for (const StoreStep& step : steps) {
    if (const auto* look = std::get_if<effect::Look>(&step)) {
      answers.push_back(store.look_up(*look));
    }
  }
  return answers;
}

template <class Wanted>
bool any_record(const StoreSteps& steps, Wanted wanted) {
  return std::any_of(steps.begin(), steps.end(), [&](const StoreStep& step) {
    const auto* persist = std::get_if<effect::Persist>(&step);
    return persist != nullptr &&
           std::any_of(persist->records.begin(), persist->records.end(), wanted);
  });
}

bool has_state(const StoreSteps& steps, RunState state) {
  return any_record(steps, [&](const Record& record) {
    const auto* run = std::get_if<RunStateRecord>(&record);
    return run != nullptr && run->to == state;
  });
}

bool has_epoch(const StoreSteps& steps, EpochState state) {
  return any_record(steps, [&](const Record& record) {
    const auto* epoch = std::get_if<EpochRecord>(&record);
    return epoch != nullptr && epoch->to == state;
  });
}

bool has_epoch(const RunImage& run, EpochState state) {
  return std::any_of(run.epochs.begin(), run.epochs.end(),
                     [&](const EpochImage& epoch) { return epoch.state == state; });
}

bool seals(const effect::Persist& persist) {
  return std::any_of(persist.records.begin(), persist.records.end(), [](const Record& record) {
    const auto* sealed = std::get_if<ManifestRecord>(&record);
    return sealed != nullptr && !sealed->manifest.tasks.empty();
  });
}

}  // namespace

SimCoordinator::SimCoordinator(World& world)
    : world_(world),
      incarnation_(world.next_incarnation(World::coordinator)),
      driver_(config_of(world), *this, std::make_unique<FaultyAdmission>(world.options.mutation)) {
  const Term before = world_.store.term();
  image_ = *world_.store.begin_term();
  if (world_.mutated(Mutation::term_not_raised) && before != Term()) image_.term = before;
  if (world_.mutated(Mutation::cleanup_forgotten)) image_.leftovers.clear();
  for (const RunImage& run : image_.runs) {
    if (has_epoch(run, EpochState::published)) published_before_.insert(run.made.run);
  }
  world_.check(image_.term > before, "a new leader must act in a term of its own");
  std::vector<NodeIndex> peers;
  for (NodeIndex node = 1; node < world_.nodes(); ++node) {
    peers.push_back(node);
    sessions_.emplace(node, std::make_unique<Session>(
                                world_.session(World::coordinator, node, incarnation_), now()));
  }
  after(Duration(0), [this, peers] {
    world_.net.up(World::coordinator, *this, peers);
    tick_sessions();
  });
  after(world_.between(Duration(0), store_read_max), [this] { begin(); });
}

/// Reports and submissions may have come while the store was read.
void SimCoordinator::begin() {
  beginning_ = true;
  driver_.begin(std::move(image_), now());
  beginning_ = false;
}

void SimCoordinator::after(Duration delay, std::function<void()> what) {
  world_.loop.after(World::coordinator, delay, std::move(what));
}

void SimCoordinator::tick_sessions() {
  for (auto& [node, session] : sessions_) {
    if (now() >= session->next_tick(now())) tell_session(node, session_event::Tick{});
    if (dead_) return;
  }
  after(tick_every, [this] { tick_sessions(); });
}

void SimCoordinator::on_kill() {
  dead_ = true;
  driver_.abandon();
  if (synced_to_) world_.store = *std::move(synced_to_);
  // A transaction that was under way has reached the disk or not; half of it never does.
  if (!writing_.empty() && world_.random.chance(1, 2)) commit_write();
}

void SimCoordinator::tell(CoordinatorEvent event) { driver_.tell(std::move(event), now()); }

// ---- network

void SimCoordinator::on_connected(NodeIndex peer) {
  tell_session(peer, session_event::Connected{});
}
void SimCoordinator::on_disconnected(NodeIndex peer) {
  tell_session(peer, session_event::Disconnected{});
}
void SimCoordinator::on_refused(NodeIndex peer) { tell_session(peer, session_event::Refused{}); }

void SimCoordinator::on_packet(NodeIndex peer, const Packet& packet) {
  const auto frame = world_.opened(packet, World::coordinator, peer);
  if (frame) tell_session(peer, session_event::Received{*frame});
}

void SimCoordinator::tell_session(NodeIndex peer, const SessionEvent& event) {
  Session& session = *sessions_.at(peer);
  const bool theirs = world_.mutated(Mutation::two_clocks) &&
                      std::holds_alternative<session_event::Received>(event);
  for (SessionEffect& effect : session.on(event, theirs ? world_.clock(peer) : now())) {
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
    tell(ClusterEvent(cluster_event::Closed{node}));
  } else if constexpr (std::is_same_v<E, Resumed>) {
    tell(ClusterEvent(cluster_event::Resumed{node}));
  } else if constexpr (std::is_same_v<E, Down>) {
    world_.trace("c loses {} ({})", node, effect.text);
    if (world_.mutated(Mutation::loss_not_told)) return;
    tell(ClusterEvent(cluster_event::Down{node, effect.incarnation, effect.text}));
  } else if constexpr (std::is_same_v<E, LeaseEnded>) {
    if (world_.mutated(Mutation::loss_not_told)) return;
    tell(ClusterEvent(cluster_event::LeaseEnded{node, effect.incarnation}));
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
  if (world_.mutated(Mutation::errand_answer_believed)) believe(peer, *report);
  if (killed_by_answer(*report)) return;
  const bool finished = std::holds_alternative<TaskFinished>(*report);
  const bool listed = std::holds_alternative<Inventory>(*report);
  if (listed && killed_at(KillPoint::asked_not_listed)) return;
  if (auto* snapshot = std::get_if<TaskSnapshotted>(&*report)) {
    if (killed_at(KillPoint::some_acknowledged)) return;
    hear_acknowledgement(peer, *snapshot);
  }
  if (world_.mutated(Mutation::acknowledge_before_persist) && finished) {
    send(peer, AckReport{*token_of(*report)});
  }
  tell(coordinator_event::Received{World::name_of(peer), *std::move(report)});
  if (!dead_ && finished) killed_at(KillPoint::reported_not_persisted);
}

/// The mutant: whatever attempt reports, it is taken for the current one.
void SimCoordinator::claim_current(Report& report) {
  std::visit(
      [&](auto& message) {
        if constexpr (requires { message.token; }) {
          if (driver_.machine() == nullptr) return;
          const auto job = machine().runs().find(message.token.run);
          if (job == machine().runs().end()) return;
          const auto task = job->second->tasks().find(message.token.task);
          if (task == job->second->tasks().end()) return;
          if (task->second.attempt != Attempt()) message.token.attempt = task->second.attempt;
        }
      },
      report);
}

/// For mutants.
void SimCoordinator::hear_acknowledgement(NodeIndex peer, TaskSnapshotted& snapshot) {
  const auto before = acknowledged_.find({snapshot.token.run, snapshot.token.task});
  if (world_.mutated(Mutation::any_epoch_acknowledged) && before != acknowledged_.end()) {
    const TaskSnapshotted& older = before->second.second;
    for (const EpochImage& epoch : world_.store.all_runs().at(snapshot.token.run).epochs) {
      const bool given_up = epoch.epoch == older.epoch && epoch.state == EpochState::aborted;
      if (given_up && older.token.attempt == snapshot.token.attempt) {
        snapshot.snapshot = older.snapshot;
      }
    }
  }
  acknowledged_.insert_or_assign({snapshot.token.run, snapshot.token.task},
                                 std::pair(peer, snapshot));
}

/// The mutant: of the attempts before these somebody has acknowledged already.
void SimCoordinator::acknowledge_again(const SnapshotTask& begun) {
  for (auto& [of, said] : acknowledged_) {
    auto& [peer, snapshot] = said;
    if (of.first != begun.token.run || snapshot.epoch >= begun.epoch) continue;
    Report report(snapshot);
    claim_current(report);
    auto& claimed = std::get<TaskSnapshotted>(report);
    if (claimed.token.attempt == snapshot.token.attempt) continue;
    claimed.epoch = begun.epoch;
    after(Duration(0), [this, peer = peer, report] {
      tell(coordinator_event::Received{World::name_of(peer), report});
    });
  }
}

/// A frame that was heard before, straight to the machine: its tokens alone must make it harmless.
void SimCoordinator::replay(const Frame& frame, NodeIndex from) {
  auto report = report_of(frame);
  if (!report) return;
  world_.trace("c hears {} of n{} again", name_of(*report), from);
  if (world_.mutated(Mutation::attempt_not_compared)) claim_current(*report);
  if (world_.mutated(Mutation::errand_answer_believed)) believe(from, *report);
  tell(coordinator_event::Received{World::name_of(from), *std::move(report)});
}

/// The mutant: whatever errand of whichever leader is done, it is taken for the one asked for last.
void SimCoordinator::believe(NodeIndex from, Report& report) {
  auto* done = std::get_if<ErrandDone>(&report);
  if (done == nullptr || driver_.machine() == nullptr) return;
  done->token.term = machine().term();
  done->number = last_errand_[from];
}

void SimCoordinator::send(NodeIndex peer, const Command& command) {
  world_.trace("c -> n{} {}", peer, name_of(command));
  tell_session(
      peer, session_event::Send{frame_of(
                command, {ClusterName("sim"), World::name_of(World::coordinator), incarnation_})});
}

// ---- clients

void SimCoordinator::submit(Submission submission, Answer answer) {
  driver_.submit(std::move(submission), std::move(answer), now());
}

void SimCoordinator::cancel(RunId run, Answer answer) {
  driver_.cancel(run, "the client", std::move(answer), now());
}

// ---- what is decided

void SimCoordinator::decided(const Effects& effects) {
  const bool recovers = beginning_ && world_.store.term() > Term(1);
  if (recovers && killed_at(KillPoint::during_recovery)) return;
  check_slots();
  for (const Effect& effect : effects) {
    if (const auto* reply = std::get_if<effect::Reply>(&effect)) check_in_time(*reply);
    if (const auto* persist = std::get_if<effect::Persist>(&effect)) {
      for (const Record& record : persist->records) {
        if (const auto* epoch = std::get_if<EpochRecord>(&record)) check_committed(*epoch);
      }
      if (killed_at(KillPoint::decided_not_written)) return;
      if (seals(*persist) && killed_at(KillPoint::sealed_not_written)) return;
    }
    if (const auto* look = std::get_if<effect::Look>(&effect)) {
      if (killed_at(KillPoint::asked_not_looked_up)) return;
      if (world_.mutated(Mutation::look_out_of_order)) {
        early_looks_.emplace(look->look, world_.store.look_up(*look));
      }
    }
  }
}

/// Slots are held by the regions that are at work, all of them and nobody else.
void SimCoordinator::check_slots() const {
  std::set<Claim> at_work;
  for (const auto& [id, run] : machine().runs()) {
    if (run->topology() == nullptr) continue;
    for (const auto& [task, status] : run->tasks()) {
      if (status.active()) at_work.insert({id, run->topology()->region_of(task)});
    }
  }
  std::set<Claim> holding;
  std::map<NodeId, std::uint32_t> used;
  for (const auto& [claim, nodes] : machine().admission().held()) {
    holding.insert(claim);
    for (const NodeId& node : nodes) ++used[node];
  }
  world_.check(holding == at_work, "slots are held by other regions than are at work");
  for (const auto& [name, node] : machine().view().nodes) {
    world_.check(node.used == used[name], "the slots in use of a node are not those that are held");
  }
}

void SimCoordinator::check_in_time(const effect::Reply& reply) const {
  if (!reply.answer) return;
  world_.check(world_.store.all_runs().contains(*reply.answer),
               "a submission was answered before its run was durable");
}

void SimCoordinator::send(effect::Send sent) {
  check_durable(sent);
  if (!sends_errand(sent) || !sends_of_streams(sent.command)) return;
  const NodeIndex peer = World::index_of(sent.node);
  const Session& session = *sessions_.at(peer);
  if (!session.up() || session.peer_incarnation() != sent.incarnation) return;
  send(peer, sent.command);
}

/// False where the process has died.
bool SimCoordinator::sends_of_streams(Command& command) {
  if (auto* deploy = std::get_if<DeployTask>(&command)) {
    const bool restores = deploy->epochs.restore != Epoch();
    if (restores && killed_at(KillPoint::deployed_from_an_epoch)) return false;
    if (restores) choose_state(*deploy);
  } else if (auto* drop = std::get_if<DropSnapshots>(&command)) {
    if (killed_at(KillPoint::unnamed_not_dropped)) return false;
    if (world_.mutated(Mutation::state_dropped_early)) drop_early(*drop);
  } else if (const auto* snapshot = std::get_if<SnapshotTask>(&command)) {
    if (world_.mutated(Mutation::old_acknowledgement_counts)) acknowledge_again(*snapshot);
  }
  return true;
}

/// The mutants: of the epoch before the last one.
void SimCoordinator::choose_state(DeployTask& deploy) const {
  const bool one = world_.mutated(Mutation::one_task_from_the_one_before) &&
                   deploy.token.task.stage.value() == 0;
  if (!one && !world_.mutated(Mutation::restored_from_the_one_before)) return;
  const EpochImage* before = nullptr;
  for (const EpochImage& epoch : world_.store.all_runs().at(deploy.token.run).epochs) {
    if (epoch.manifest && epoch.epoch < deploy.epochs.restore) before = &epoch;
  }
  if (before == nullptr) return;
  for (const TaskPart& part : before->manifest->tasks) {
    if (part.task == deploy.token.task) deploy.epochs.files = part.files;
  }
}

void SimCoordinator::drop_early(DropSnapshots& drop) const {
  const auto& epochs = world_.store.all_runs().at(drop.token.run).epochs;
  for (auto epoch = epochs.rbegin(); epoch != epochs.rend(); ++epoch) {
    if (!epoch->manifest || epoch->manifest->tasks.empty()) continue;
    for (const StoredSnapshot& file : epoch->manifest->tasks.front().files) {
      drop.names.push_back(file.file.name);
    }
    return;
  }
}

/// No effect before its row.
void SimCoordinator::check_durable(const effect::Send& sent) const {
  const auto state_of = [&](const Token& token) {
    const AttemptImage* attempt = world_.store.attempt(key_of(token));
    world_.check(attempt != nullptr, "a command about an attempt that has no row");
    return attempt->state;
  };
  if (const auto* deploy = std::get_if<DeployTask>(&sent.command)) state_of(deploy->token);
  if (const auto* start = std::get_if<StartTask>(&sent.command)) {
    world_.check(state_of(start->token) != AttemptState::deploying,
                 "a StartTask before the row that says RUNNING");
  }
  if (const auto* ack = std::get_if<AckReport>(&sent.command)) {
    const AttemptState state = state_of(ack->token);
    world_.check(state != AttemptState::deploying && state != AttemptState::running,
                 "a report was acknowledged before it was durable");
  }
  if (const auto* joined = std::get_if<Joined>(&sent.command)) {
    const auto node = world_.store.nodes().find(sent.node);
    world_.check(
        node != world_.store.nodes().end() && node->second.incarnation >= joined->incarnation,
        "a node was told Joined before its incarnation was durable");
  }
  if (const auto* release = std::get_if<ReleaseRun>(&sent.command)) {
    world_.check(ended(world_.store.all_runs().at(release->token.run).state),
                 "a run was released before it had ended");
  }
}

void SimCoordinator::refused(const effect::RefuseReport& report) {
  // Of an epoch that was given up when all sources had come to their end, its run has ended now.
  const bool late_copy = report.what.find("errand that nobody waits for") != std::string::npos;
  if (!late_copy || !world_.streams()) ++world_.refused_reports;
  world_.trace("c refuses: {}", report.what);
}

void SimCoordinator::run_ended(const effect::RunEnded& run) {
  world_.trace("run {} is {} {}", run.run, to_string(run.state),
               run.cause ? run.cause->to_string() : "");
  world_.check(world_.store.all_runs().at(run.run).state == run.state,
               "a run was said to have ended before its row did");
}

void SimCoordinator::wake_at(std::optional<Instant> at) {
  ++wake_;
  if (!at) return;
  after(std::max(*at - now(), Duration(0)), [this, wake = wake_] {
    if (wake == wake_) driver_.tick(now());
  });
}

/// A write that failed is the one good reason.
void SimCoordinator::over(const Error& reason) {
  if (!write_failed_) world_.violation("the coordinator is over: " + reason.to_string());
  world_.kill(World::coordinator, world_.between(10ms, 1s));
}

// ---- the disk of the store

void SimCoordinator::write(StoreSteps steps) {
  const bool idle = writing_.empty();
  if (world_.mutated(Mutation::send_before_persist)) {
    after(Duration(0),
          [this, looked = looks_of(steps, world_.store)] { driver_.written(looked, now()); });
  }
  if (world_.mutated(Mutation::manifest_forgets_one)) forget_one(steps);
  for (StoreStep& step : steps) writing_.push_back(std::move(step));
  if (has_state(writing_, RunState::finishing) &&
      killed_at(KillPoint::all_finished_before_manifest)) {
    return;
  }
  if (world_.mutated(Mutation::persist_before_sync)) return call_durable_unsynced();
  if (idle) after(world_.between(100us, write_max), [this] { written(); });
}

void SimCoordinator::forget_one(StoreSteps& steps) {
  for (StoreStep& step : steps) {
    auto* persist = std::get_if<effect::Persist>(&step);
    if (persist == nullptr) continue;
    for (Record& record : persist->records) {
      auto* sealed = std::get_if<ManifestRecord>(&record);
      if (sealed == nullptr) continue;
      for (SinkPart& sink : sealed->manifest.sinks) {
        if (!sink.committables.empty()) sink.committables.pop_back();
      }
    }
  }
}

void SimCoordinator::written() {
  if (std::exchange(world_.store_fails_next, false)) return fail_write();
  const bool manifest = has_state(writing_, RunState::finishing);
  const bool published = has_epoch(writing_, EpochState::published);
  const bool begun = has_epoch(writing_, EpochState::started);
  const std::vector<Looked> answers = commit_write();
  writing_.clear();
  if (killed_at(KillPoint::after_persist_before_send)) return;
  if (manifest && killed_at(KillPoint::manifest_started_not_published)) return;
  if (published && killed_at(KillPoint::published_not_committed)) return;
  if (begun && world_.streams() && killed_at(KillPoint::epoch_begun_not_told)) return;
  if (!answers.empty() && killed_at(KillPoint::looked_up_not_made)) return;
  if (world_.mutated(Mutation::send_before_persist)) return;
  driver_.written(answers, now());
}

/// The disk said no; whether the rows are on it nobody knows.
void SimCoordinator::fail_write() {
  ++world_.damage.store_writes;
  world_.trace("the store refuses a write");
  if (world_.mutated(Mutation::failed_write_ignored)) {
    driver_.written(looks_of(std::exchange(writing_, {}), world_.store), now());
    return;
  }
  write_failed_ = true;
  driver_.written(make_error(ErrorCode::unavailable, "the disk takes nothing"), now());
}

std::vector<Looked> SimCoordinator::commit_write() {
  auto answers = world_.store.carry_out(writing_);
  if (!answers) world_.violation(answers.error().to_string());
  if (world_.mutated(Mutation::look_from_old_snapshot)) forget_recent(*answers);
  for (Looked& answer : *answers) {
    if (const auto early = early_looks_.find(answer.look); early != early_looks_.end()) {
      answer = early->second;
    }
  }
  return *answers;
}

/// The mutant: what this write and the last one have made is not there yet.
void SimCoordinator::forget_recent(std::vector<Looked>& answers) {
  std::set<RunId> made;
  (void)any_record(writing_, [&](const Record& record) {
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

/// The mutant: everybody sees the rows, and a power cut takes them back.
void SimCoordinator::call_durable_unsynced() {
  if (!synced_to_) synced_to_ = world_.store;
  const std::vector<Looked> answers = commit_write();
  writing_.clear();
  after(write_max, [this] { synced_to_.reset(); });
  after(10us, [this, answers] { driver_.written(answers, now()); });
}

// ---- work on sources

void SimCoordinator::plan(effect::PlanTasks work) {
  after(world_.between(100us, 5ms),
        [this, work = std::move(work)] { tell(carry_out(work, world_.planner())); });
}

// ---- errands

/// False where it does not leave: the process has died, or a mutant keeps it.
bool SimCoordinator::sends_errand(const effect::Send& sent) {
  const auto* command = std::get_if<DoErrand>(&sent.command);
  if (command == nullptr) return true;
  const RunId run = command->token.run;
  if (command->part == 0) sent_errand_.clear();
  sent_errand_ += command->content;
  if (command->part + 1 == command->parts) {
    const auto errand = decode_errand(sent_errand_);
    world_.check(errand.ok(), "our own errands decode");
    if (errand->kind == ErrandKind::commit_sink) check_published(run, errand->epoch);
    const bool cleans_up = errand->kind == ErrandKind::clean_up_sinks;
    if (cleans_up && killed_at(KillPoint::ended_not_cleaned)) return false;
    const bool copies = errand->kind == ErrandKind::copy_snapshots;
    if (copies && killed_at(KillPoint::acknowledged_not_copied)) return false;
    errands_[command->number] = errand->kind;
  }
  last_errand_[World::index_of(sent.node)] = command->number;
  if (world_.mutated(Mutation::published_not_recommitted) && published_before_.contains(run)) {
    return false;
  }
  const NodeProcess node{sent.node, sent.incarnation};
  const auto [asked, first] = errand_asked_.try_emplace({run, command->content}, node);
  return !world_.mutated(Mutation::commit_lost_with_its_node) || asked->second == node;
}

void SimCoordinator::check_published(RunId run, Epoch epoch) const {
  const auto found = world_.store.all_runs().find(run);
  world_.check(found != world_.store.all_runs().end(), "an errand for a run that has no row");
  const auto& epochs = found->second.epochs;
  const bool published = std::any_of(epochs.begin(), epochs.end(), [&](const EpochImage& one) {
    return one.epoch == epoch &&
           (one.state == EpochState::published || one.state == EpochState::committed);
  });
  world_.check(published, "a sink is committed although its epoch is not published");
}

/// Not only at the end of all: what another executor commits afterwards would hide it.
void SimCoordinator::check_committed(const EpochRecord& epoch) const {
  if (epoch.to != EpochState::committed) return;
  const RunImage& run = world_.store.all_runs().at(epoch.run);
  ++world_.epochs;
  if (StreamCheck* stream = world_.stream_check(epoch.run)) stream->committed(epoch.epoch);
  for (const auto& [vertex, sink] : world_.jobs.at(*run.plan).sinks) {
    if (!world_.users_disk().exists(sink.path)) {
      world_.violation(fmt::format("run {} is to be COMMITTED, and nothing is visible of {}",
                                   epoch.run, vertex));
    }
  }
}

/// Of an epoch with two sinks or more, between the commits of two of them, or behind the last one.
bool SimCoordinator::killed_by_answer(const Report& report) {
  const auto* done = std::get_if<ErrandDone>(&report);
  if (done == nullptr) return false;
  const auto kind = errands_.find(done->number);
  if (kind == errands_.end()) return false;
  if (kind->second == ErrandKind::copy_snapshots) {
    return killed_at(KillPoint::copied_not_published);
  }
  const RunImage& run = world_.store.all_runs().at(done->token.run);
  const auto committing =
      std::find_if(run.epochs.begin(), run.epochs.end(),
                   [](const EpochImage& one) { return one.state == EpochState::published; });
  if (kind->second != ErrandKind::commit_sink || committing == run.epochs.end()) return false;
  const std::size_t committed = ++sinks_committed_[{run.made.run, committing->epoch}];
  const std::size_t sinks = committing->manifest->sinks.size();
  return killed_at(committed < sinks ? KillPoint::committing_half_the_sinks
                                     : KillPoint::committed_not_recorded);
}

std::unique_ptr<Process> make_coordinator(World& world) {
  return std::make_unique<SimCoordinator>(world);
}

}  // namespace troupe::sim
