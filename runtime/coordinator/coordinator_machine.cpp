#include "runtime/coordinator/coordinator_machine.hpp"

#include "runtime/base/node_fault.hpp"

#include <algorithm>
#include <utility>

namespace troupe {
namespace {

Error newer_term(const NodeId& node, Term seen, Term ours) {
  return make_error(ErrorCode::conflict,
                    "node {} has seen term {}, this metadata is at term {}: it is older than the "
                    "cluster; bring the right data directory back",
                    node, seen, ours);
}

/// An attempt that was killed or superseded may still run on its node, and write.
Leftover leftover_of(const RunImage& run) {
  Leftover leftover{run.made.run, run.made.uid, run.plan};
  for (const AttemptImage& attempt : run.attempts) {
    const bool may_write =
        attempt.state == AttemptState::killed || attempt.state == AttemptState::superseded;
    if (may_write) leftover.away.emplace(attempt.made.node, attempt.made.incarnation);
  }
  return leftover;
}

}  // namespace

CoordinatorMachine::CoordinatorMachine(CoordinatorConfig config, ClusterImage image, Instant now,
                                       std::unique_ptr<AdmissionMachine> admission)
    : config_(config),
      cluster_id_(image.cluster),
      term_(image.term),
      last_run_(image.last_run),
      cluster_(cluster_id_, term_, image.nodes, config_.node_lease, now),
      admission_(std::move(admission)),
      leftovers_(std::move(image.leftovers)),
      errands_(config_.errand_part_bytes, config_.errand_patience),
      now_(now) {
  for (const auto& [node, member] : cluster_.members()) note_node(node);
  for (RunImage& run : image.runs) {
    const RunId id = run.made.run;
    if (run.state == RunState::queued) queued_.insert(id);
    runs_.emplace(id, std::make_unique<RunMachine>(std::move(run)));
  }
}

Effects CoordinatorMachine::start(Instant now) {
  now_ = now;
  // Published epochs first; then what an earlier leader had begun; then what waits.
  for (const RunState first : {RunState::finishing, RunState::cancelling, RunState::stopping}) {
    for (const auto& [run, machine] : runs_) {
      if (machine->state() == first) begin(run);
    }
  }
  for (const auto& [run, machine] : runs_) {
    if (!queued_.contains(run) && !begun_.contains(run)) begin(run);
  }
  begin_queued();
  decide(leftovers_.start());
  decide(errands_.give_out(view(), now_));
  return std::exchange(out_, {});
}

Effects CoordinatorMachine::on(const CoordinatorEvent& event, Instant now) {
  now_ = now;
  if (halted_) return {};
  drop_done();
  std::visit([this](const auto& e) { handle(e); }, event);
  grant();
  begin_queued();
  decide(errands_.give_out(view(), now_));
  return std::exchange(out_, {});
}

std::optional<Instant> CoordinatorMachine::next_deadline() const {
  std::optional<Instant> next;
  for (const auto& deadline : {cluster_.next_deadline(), deadlines_.first(),
                               leftovers_.next_deadline(), errands_.next_deadline()}) {
    if (deadline) next = std::min(next.value_or(*deadline), *deadline);
  }
  return next;
}

// ---- nodes

void CoordinatorMachine::handle(const ClusterEvent& event) {
  ClusterChange change = cluster_.on(event, now_);
  note(change);
  for (const NodeLoss& loss : change.lost) {
    errands_.on_away(loss.node);
    tell_begun(run_event::NodeLost{loss.node, loss.incarnation, loss.reason});
  }
  decide(std::move(change.effects));
}

void CoordinatorMachine::note(const ClusterChange& change) {
  for (const NodeId& node : change.changed) note_node(node);
}

void CoordinatorMachine::note_node(const NodeId& node) {
  if (auto member = node_of(cluster_.members().at(node))) {
    admission_->on(admission_event::NodeChanged{*std::move(member)});
  } else {
    admission_->on(admission_event::NodeGone{node});
  }
}

void CoordinatorMachine::accept(const NodeId& from, const JoinCluster& request) {
  if (request.node != from) return refuse(from, "it joins under another name than its key's");
  // Terms of another cluster say nothing about ours.
  const bool ours = request.cluster.value().empty() || request.cluster == cluster_id_;
  if (ours && request.term_seen > term_) {
    return halt(newer_term(from, request.term_seen, term_));
  }
  handle(ClusterEvent(cluster_event::Join{request}));
  // What it was asked in an earlier session it may have answered there, unheard.
  errands_.on_away(from);
}

void CoordinatorMachine::accept(const NodeId& from, const Inventory& inventory) {
  if (!is_member(from, inventory.incarnation)) return refuse(from, "an inventory of a stranger");
  if (contradicts(from, inventory)) return;
  if (inventory.term_seen != term_ || inventory.adopt_seq != asked_[from]) {
    return refuse(from, "an inventory that does not answer the last question");
  }
  release_ended(from, inventory);
  // The node takes new tasks from here on, but none is granted before every run has read what the
  // node held until now: new ones would be missing from the list.
  handle(ClusterEvent(cluster_event::Listed{from, inventory.incarnation}));
  std::map<RunId, std::vector<HeldTask>> held;
  for (const HeldTask& task : inventory.held) held[task.run].push_back(task);
  for (const RunId run : std::set(begun_)) {
    tell(run, run_event::Listed{from, inventory.incarnation, std::move(held[run])});
  }
  decide(leftovers_.on_listed({from, inventory.incarnation}, inventory.held));
  if (inventory.snapshots.empty()) return;
  const std::uint64_t look = submissions_.next_look();
  state_looks_.emplace(look, NodeProcess{from, inventory.incarnation});
  decide({effect::Look{look, "", {}, {}, inventory.snapshots}});
}

/// A lineage that is over stays so: nobody resumes a run that succeeded or was cancelled.
void CoordinatorMachine::drop_state(const NodeProcess& node, const std::vector<RunUid>& over) {
  for (const RunUid& lineage : over) {
    decide({effect::Send{node.first, node.second, DropSnapshots{{}, lineage, {}}}});
  }
}

/// Whoever holds more than was ever given out was given it by a later history than ours.
bool CoordinatorMachine::contradicts(const NodeId& from, const Inventory& inventory) {
  if (inventory.term_seen > term_) {
    halt(newer_term(from, inventory.term_seen, term_));
    return true;
  }
  for (const HeldTask& held : inventory.held) {
    const auto job = runs_.find(held.run);
    const bool newer_run = held.run > last_run_;
    const bool newer_attempt = job != runs_.end() && held.attempt > job->second->last_attempt();
    if (!newer_run && !newer_attempt) continue;
    halt(make_error(
        ErrorCode::conflict,
        "node {} holds attempt {} of task {} of run {}, which this metadata never gave out: "
        "it is older than the cluster; bring the right data directory back",
        from, held.attempt, held.task, held.run));
    return true;
  }
  return false;
}

void CoordinatorMachine::release_ended(const NodeId& from, const Inventory& inventory) {
  std::set<RunId> ended;
  for (const HeldTask& held : inventory.held) {
    const auto job = runs_.find(held.run);
    if (job == runs_.end() || job->second->releases()) ended.insert(held.run);
  }
  for (const RunId run : ended) {
    Token token;
    token.run = run;
    decide({effect::Send{from, inventory.incarnation, ReleaseRun{token}}});
  }
}

// ---- reports

void CoordinatorMachine::handle(const coordinator_event::Received& event) {
  std::visit([&](const auto& report) { accept(event.from, report); }, event.report);
}

bool CoordinatorMachine::is_member(const NodeId& node, Incarnation incarnation) const {
  const auto found = cluster_.members().find(node);
  return found != cluster_.members().end() && found->second.incarnation == incarnation &&
         found->second.state != MemberState::gone && found->second.state != MemberState::silent;
}

/// The run a report is for, or nothing where its tokens say that it must not count.
template <class R>
RunMachine* CoordinatorMachine::addressed(const NodeId& from, const R& report) {
  const Token& token = report.token;
  if (token.cluster != cluster_id_) {
    refuse(from, "a report for another cluster");
    return nullptr;
  }
  if (!is_member(from, token.incarnation)) {
    refuse(from, "a report of an incarnation that is not a member");
    return nullptr;
  }
  const auto job = runs_.find(token.run);
  if (job != runs_.end()) return job->second.get();
  // The run has ended, and its node missed it.
  refuse(from, "a report about a run that has ended");
  Token ended;
  ended.run = token.run;
  decide({effect::Send{from, token.incarnation, ReleaseRun{ended}}});
  return nullptr;
}

void CoordinatorMachine::accept(const NodeId& from, const TaskReady& report) {
  if (addressed(from, report) == nullptr) return;
  tell(report.token.run, run_event::Ready{from, report.token.incarnation, key_of(report.token)});
}

void CoordinatorMachine::accept(const NodeId& from, const TaskSnapshotted& report) {
  if (addressed(from, report) == nullptr) return;
  tell(report.token.run,
       run_event::Snapshotted{from, report.token.incarnation, key_of(report.token), report.epoch,
                              report.snapshot});
}

void CoordinatorMachine::accept(const NodeId& from, const SourcesEnded& report) {
  if (addressed(from, report) == nullptr) return;
  tell(report.token.run,
       run_event::Exhausted{from, report.token.incarnation, key_of(report.token)});
}

void CoordinatorMachine::accept(const NodeId& from, const TaskFinished& report) {
  if (addressed(from, report) == nullptr) return;
  tell(report.token.run, run_event::Finished{from, report.token.incarnation, report});
}

void CoordinatorMachine::accept(const NodeId& from, const TaskFailed& report) {
  if (addressed(from, report) == nullptr) return;
  tell(report.token.run, run_event::Failed{from, report.token.incarnation, report});
}

void CoordinatorMachine::accept(const NodeId& from, const TaskStopped& report) {
  const AttemptKey key = key_of(report.token);
  if (report.token.cluster == cluster_id_ && is_member(from, report.token.incarnation) &&
      leftovers_.awaits(key)) {
    return decide(leftovers_.on_stopped(key));
  }
  if (addressed(from, report) == nullptr) return;
  tell(report.token.run, run_event::Stopped{key_of(report.token)});
}

void CoordinatorMachine::accept(const NodeId& from, const TaskProgress& report) {
  if (addressed(from, report) == nullptr) return;
  tell(report.token.run, run_event::Progress{from, report.token.incarnation, report});
}

// ---- errands

void CoordinatorMachine::have_done(const effect::HaveDone& wanted) {
  const Result<> taken = errands_.add(wanted, now_);
  if (!taken) note({key_of(wanted.run, wanted.errand), taken.error()});
}

void CoordinatorMachine::accept(const NodeId& from, const ErrandDone& report) {
  if (awaits_errand(from, report.token, report.number)) hear_errand(report.number, {});
}

void CoordinatorMachine::accept(const NodeId& from, const ErrandFailed& report) {
  if (!awaits_errand(from, report.token, report.number)) return;
  if (is_node_fault(report.error)) {
    blame({from, report.token.incarnation, report.error.message});
  }
  hear_errand(report.number, report.error);
}

/// Each leader counts its errands from 1.
bool CoordinatorMachine::awaits_errand(const NodeId& from, const Token& token,
                                       std::uint64_t number) {
  const bool ours = token.cluster == cluster_id_ && token.term == term_ &&
                    is_member(from, token.incarnation) &&
                    errands_.awaits(number, {from, token.incarnation});
  errands_.heard(number, {from, token.incarnation});
  if (!ours) refuse(from, "an answer to an errand that nobody waits for");
  return ours;
}

void CoordinatorMachine::hear_errand(std::uint64_t number, std::optional<Error> error) {
  const auto outcome = errands_.answered(number, std::move(error), view());
  if (outcome) note(*outcome);
}

void CoordinatorMachine::note(const ErrandOutcome& outcome) {
  const auto& [what, error, by] = outcome;
  if (what.copy != 0) return tell(what.run, run_event::Copied{what.copy, by, error});
  if (what.vertex.empty()) {
    decide(error ? leftovers_.on_failed(what.run, *error, now_) : leftovers_.on_cleaned(what.run));
    out_.push_back(effect::RunTidied{what.run});
    return;
  }
  if (error) return tell(what.run, run_event::SinkCommitFailed{what.vertex, *error});
  tell(what.run, run_event::SinkCommitted{what.vertex});
}

// ---- runs

void CoordinatorMachine::handle(const coordinator_event::Planned& event) {
  tell(event.run, run_event::Planned{event.graph});
}

void CoordinatorMachine::handle(const coordinator_event::PlanFailed& event) {
  tell(event.run, run_event::PlanFailed{event.error});
}

void CoordinatorMachine::handle(const coordinator_event::Submit& event) {
  if (!event.submission.may_exist()) return make_run(event.request, event.submission);
  const auto look = submissions_.ask(event.request, event.submission);
  if (!look) return decide({effect::Reply{event.request, look.error()}});
  decide({*look});
}

void CoordinatorMachine::handle(const Looked& looked) {
  if (const auto node = state_looks_.extract(looked.look)) {
    return drop_state(node.mapped(), looked.over);
  }
  const auto answered = submissions_.answered(looked);
  if (!answered) return;
  const auto& [request, job] = answered->waiting;
  if (answered->with_key) return decide({effect::Reply{request, *answered->with_key}});
  if (answered->of_interval) {
    return decide({effect::Reply{
        request, make_error(ErrorCode::already_exists, "{} has a run for {} (generation {})",
                            job.job, job.interval, job.generation)}});
  }
  if (answered->resumed_by) {
    Error error = make_error(ErrorCode::conflict, "run {} has been resumed already, as run {}",
                             job.resumes->made.run, *answered->resumed_by);
    error.hint = fmt::format("look at run {}", *answered->resumed_by);
    return decide({effect::Reply{request, std::move(error)}});
  }
  make_run(request, job);
}

void CoordinatorMachine::make_run(std::uint64_t request, const Submission& job) {
  if (runs_.size() >= open_runs_max) {
    return decide({effect::Reply{
        request, make_error(ErrorCode::unavailable,
                            "{} runs have not ended, the limit; wait for some", open_runs_max)}});
  }
  last_run_ = last_run_.next();
  RunImage image;
  image.made = {last_run_,    run_uid(cluster_id_, last_run_, job.nonce),
                job.job,      job.hash,
                job.interval, job.generation};
  image.made.key = job.key;
  image.made.target = job.target;
  image.made.restart = job.settings.restart;
  image.made.memory_bytes = job.settings.memory_bytes;
  if (job.settings.mode == JobMode::streaming) image.made.checkpoint = job.settings.checkpoint;
  image.made.tasks = job.tasks;
  image.plan = job.plan;
  image.made.lineage = image.made.uid;
  std::vector<Record> records{
      JobVersionRecord{job.job, job.hash, job.plan, job.descriptor, job.by}, RunRecord(),
      EventRecord{last_run_, log::Level::info, fmt::format("submitted by {}", job.by)}};
  if (const auto& from = job.resumes) {
    image.made.lineage = from->made.marked_with();
    image.made.resumes = from->made.run;
    image.splits = from->splits;
    image.epochs = from->epochs;
    image.halted_before = from->halted_before;
    if (from->state == RunState::halted) image.halted_before.push_back(leftover_of(*from));
    records.push_back(InheritRecord{last_run_, from->made.run});
    records.push_back(EventRecord{from->made.run, log::Level::info,
                                  fmt::format("run {} goes on where it was", last_run_)});
  }
  records[1] = image.made;
  decide({effect::Persist{std::move(records)}, effect::Reply{request, last_run_}});
  submissions_.made(image.made, outbox_.last_ticket());
  runs_.emplace(last_run_, std::make_unique<RunMachine>(std::move(image)));
  queued_.insert(last_run_);
}

/// Whether it is not too late to cancel or to stop the run.
Result<> CoordinatorMachine::may_end(RunId run, const char* verb) const {
  const auto job = runs_.find(run);
  const bool known = run <= last_run_ && run != RunId();
  if (!known) return make_error(ErrorCode::not_found, "there is no run {}", run);
  if (job == runs_.end() || ended(job->second->state())) {
    return make_error(ErrorCode::conflict, "run {} has ended", run);
  }
  if (job->second->state() != RunState::finishing) return {};
  return make_error(ErrorCode::conflict,
                    "all tasks of run {} are done, and it is being committed: too late to {} it",
                    run, verb);
}

void CoordinatorMachine::handle(const coordinator_event::Cancel& event) {
  const Result<> may = may_end(event.run, "cancel");
  if (!may) return decide({effect::Reply{event.request, may.error()}});
  tell(event.run, run_event::Cancel{event.by});
  decide({effect::Reply{event.request, event.run}});
}

void CoordinatorMachine::handle(const coordinator_event::Stop& event) {
  const Result<> may = may_end(event.run, "stop");
  if (!may) return decide({effect::Reply{event.request, may.error()}});
  const RunMachine& run = *runs_.at(event.run);
  if (!run.made().checkpoint) {
    Error error =
        make_error(ErrorCode::unsupported,
                   "run {} is of a batch job, which has nothing to go on from", event.run);
    error.hint = "let it end, or `troupe cancel` it";
    return decide({effect::Reply{event.request, std::move(error)}});
  }
  if (run.state() == RunState::cancelling) {
    return decide({effect::Reply{
        event.request, make_error(ErrorCode::conflict, "run {} is being cancelled", event.run)}});
  }
  tell(event.run, run_event::Stop{event.by});
  decide({effect::Reply{event.request, event.run}});
}

void CoordinatorMachine::handle(const coordinator_event::Tick&) {
  decide(leftovers_.on_tick(now_));
  errands_.on_tick(now_);
  handle(ClusterEvent(cluster_event::Tick{}));
  for (const RunId run : deadlines_.due(now_)) tell(run, run_event::Tick{});
}

void CoordinatorMachine::begin(RunId run) {
  begun_.insert(run);
  RunMachine& machine = *runs_.at(run);
  decide(machine.start(view(), now_));
  note(machine);
}

/// As far ahead as is of use: its plan is at hand when its turn comes.
void CoordinatorMachine::begin_queued() {
  while (!queued_.empty() && ahead_.size() < runs_ahead_max) {
    const RunId next = *queued_.begin();
    queued_.erase(next);
    ahead_.insert(next);
    begin(next);
  }
}

void CoordinatorMachine::tell(RunId run, const RunEvent& event) {
  const auto found = runs_.find(run);
  if (found == runs_.end()) return;
  decide(found->second->on(event, view(), now_));
  note(*found->second);
}

void CoordinatorMachine::tell_begun(const RunEvent& event) {
  for (const RunId run : std::set(begun_)) tell(run, event);
}

/// What has changed about a run that has just heard something.
void CoordinatorMachine::note(const RunMachine& run) {
  touched_.insert(run.run());
  deadlines_.set(run.run(), run.next_deadline());
  if (!run.working()) ahead_.erase(run.run());
  if (run.state() != RunState::queued) queued_.erase(run.run());
}

/// Slots may be free, nodes may have come: whoever waits and now fits is told, and nobody else.
void CoordinatorMachine::grant() {
  while (auto grant = admission_->next_grant()) {
    ahead_.erase(grant->claim.run);
    tell(grant->claim.run, run_event::Granted{grant->claim.region, std::move(grant->nodes)});
  }
}

void CoordinatorMachine::drop_done() {
  for (const RunId run : std::exchange(touched_, {})) {
    const auto found = runs_.find(run);
    if (found == runs_.end() || !found->second->done()) continue;
    runs_.erase(found);
    begun_.erase(run);
  }
}

// ---- effects

void CoordinatorMachine::handle(const coordinator_event::Persisted& event) {
  submissions_.durable(event.ticket);
  leave(outbox_.durable(event.ticket));
}

void CoordinatorMachine::decide(Effects effects) {
  Effects others;
  for (Effect& effect : effects) {
    if (ask_for_slots(effect)) continue;
    if (auto* send = std::get_if<effect::Send>(&effect)) {
      stamp(send->command, send->incarnation);
      if (const auto* adopt = std::get_if<Adopt>(&send->command)) {
        asked_[send->node] = adopt->token.seq;
      }
    }
    others.push_back(std::move(effect));
  }
  leave(outbox_.put(std::move(others)));
}

/// The ledger of slots is kept here: it need not wait until what was decided before is durable.
/// What a grant leads to does.
bool CoordinatorMachine::ask_for_slots(const Effect& effect) {
  return std::visit(
      [this]<class E>(const E& wanted) {
        constexpr bool asks = std::is_constructible_v<AdmissionEvent, const E&>;
        if constexpr (asks) admission_->on(wanted);
        return asks;
      },
      effect);
}

void CoordinatorMachine::leave(Effects effects) {
  std::vector<RunId> due;
  std::vector<Leftover> left;
  std::vector<effect::HaveDone> wanted;
  std::vector<effect::BlameNode> blamed;
  for (Effect& effect : effects) {
    if (const auto* reached = std::get_if<effect::Continue>(&effect)) {
      due.push_back(reached->run);
    } else if (auto* behind = std::get_if<effect::LeaveBehind>(&effect)) {
      left.push_back(std::move(behind->leftover));
    } else if (auto* errand = std::get_if<effect::HaveDone>(&effect)) {
      wanted.push_back(std::move(*errand));
    } else if (const auto* fault = std::get_if<effect::BlameNode>(&effect)) {
      blamed.push_back(*fault);
    } else {
      if (const auto* over = std::get_if<effect::RunEnded>(&effect)) {
        errands_.drop_commits(over->run);
      }
      out_.push_back(std::move(effect));
    }
  }
  for (const RunId run : due) tell(run, run_event::Continued{});
  for (Leftover& leftover : left) decide(leftovers_.add(std::move(leftover)));
  for (const effect::BlameNode& fault : blamed) blame(fault);
  for (const effect::HaveDone& errand : wanted) have_done(errand);
}

void CoordinatorMachine::blame(const effect::BlameNode& fault) {
  handle(ClusterEvent(cluster_event::NodeFault{fault.node, fault.incarnation, fault.reason}));
}

void CoordinatorMachine::stamp(Command& command, Incarnation incarnation) {
  std::visit(
      [&](auto& message) {
        if constexpr (requires { message.token; }) {
          message.token.cluster = cluster_id_;
          message.token.term = term_;
          message.token.incarnation = incarnation;
          message.token.seq = ++last_seq_;
        }
      },
      command);
}

void CoordinatorMachine::refuse(const NodeId& node, std::string what) {
  out_.push_back(effect::RefuseReport{node, std::move(what)});
}

void CoordinatorMachine::halt(Error reason) {
  halted_ = true;
  out_.push_back(effect::Halt{std::move(reason)});
}

}  // namespace troupe
