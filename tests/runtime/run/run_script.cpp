#include "tests/runtime/run/run_script.hpp"

#include "runtime/protocol/message_text.hpp"

#include <algorithm>
#include <sstream>

namespace troupe {
namespace {

constexpr const char* plan_name = "plan";

std::string short_of(const AttemptKey& key) { return fmt::format("{} a{}", key.task, key.attempt); }

std::string told(const EdgePeers& edge) {
  std::string text = fmt::format("{}:", edge.edge);
  for (const TaskPeer& peer : edge.peers) {
    text += fmt::format(" {}/a{}@{}", peer.task, peer.attempt, peer.node);
  }
  return text;
}

struct RecordText {
  std::string operator()(const JobVersionRecord&) const { return "job version"; }
  std::string operator()(const RunRecord& run) const { return fmt::format("run {}", run.run); }
  std::string operator()(const RunStateRecord& run) const {
    return fmt::format("run {} -> {}{}", to_string(run.from), to_string(run.to),
                       run.cause ? fmt::format(": {}", run.cause->to_string()) : "");
  }
  std::string operator()(const SplitsRecord&) const { return "splits"; }
  std::string operator()(const AttemptRecord& attempt) const {
    return fmt::format("attempt {} on {}", short_of(attempt.key), attempt.node);
  }
  std::string operator()(const AttemptStateRecord& attempt) const {
    return fmt::format("attempt {} {} -> {}{}", short_of(attempt.key), to_string(attempt.from),
                       to_string(attempt.to), attempt.cause.empty() ? "" : ": " + attempt.cause);
  }
  std::string operator()(const AttemptResultRecord& result) const {
    return fmt::format("result of {}", short_of(result.key));
  }
  std::string operator()(const EpochRecord& epoch) const {
    return fmt::format("epoch {} {} -> {}", epoch.epoch,
                       epoch.from ? to_string(*epoch.from) : "none", to_string(epoch.to));
  }
  std::string operator()(const ManifestRecord& manifest) const {
    std::string text = "manifest";
    for (const SinkPart& part : manifest.manifest.sinks) {
      text += fmt::format(" {}:", part.vertex);
      for (const Committable& each : part.committables) text += " " + each.detail;
    }
    for (const TaskPart& part : manifest.manifest.tasks) {
      text += fmt::format(" {}:", part.task);
      for (const StoredSnapshot& each : part.files) text += " " + each.file.name;
    }
    return text;
  }
  std::string operator()(const InheritRecord& inherit) const {
    return fmt::format("epochs and splits of run {}", inherit.from);
  }
  std::string operator()(const ForgetEpochsRecord& forget) const {
    return fmt::format("forget manifests before {}, epochs before {}", forget.manifests_below,
                       forget.rows_below);
  }
  std::string operator()(const NodeRecord& node) const { return fmt::format("node {}", node.node); }
  std::string operator()(const RunCleanedRecord&) const { return "cleaned"; }
  std::string operator()(const EventRecord& event) const {
    return fmt::format("event \"{}\"", event.text);
  }
};

struct CommandText {
  std::string operator()(const DeployTask& deploy) const {
    std::string text = fmt::format("DeployTask {}", short_of(key_of(deploy.token)));
    if (deploy.epochs.takes_part) text += fmt::format(" at epoch {}", deploy.epochs.restore);
    for (const StoredSnapshot& each : deploy.epochs.files) text += " " + each.file.name;
    for (const EdgePeers& edge : deploy.inputs) text += fmt::format(" from {}", told(edge));
    for (const EdgePeers& edge : deploy.outputs) text += fmt::format(" to {}", told(edge));
    return text;
  }
  std::string operator()(const SnapshotTask& asked) const {
    return fmt::format("SnapshotTask {} at epoch {}, published {}{}", short_of(key_of(asked.token)),
                       asked.epoch, asked.published, asked.hold ? ", then no rows" : "");
  }
  std::string operator()(const EndSources& asked) const {
    return fmt::format("EndSources {}", short_of(key_of(asked.token)));
  }
  std::string operator()(const CancelTask& cancel) const {
    return fmt::format("CancelTask {}: {}", short_of(key_of(cancel.token)), cancel.reason);
  }
  std::string operator()(const StartTask& start) const {
    return fmt::format("StartTask {}", short_of(key_of(start.token)));
  }
  std::string operator()(const AckReport& ack) const {
    return fmt::format("AckReport {}", short_of(key_of(ack.token)));
  }
  std::string operator()(const ReleaseRun&) const { return "ReleaseRun"; }
  template <class Other>
  std::string operator()(const Other& other) const {
    return name_of(Command(other));
  }
};

struct EffectText {
  std::string operator()(const effect::Persist& persist) const {
    std::string text = "persist";
    for (const Record& record : persist.records) {
      text += "\n    " + std::visit(RecordText(), record);
    }
    return text;
  }
  std::string operator()(const effect::Send& send) const {
    return fmt::format("{} <- {}", send.node, std::visit(CommandText(), send.command));
  }
  std::string operator()(const effect::PlanTasks& plan) const {
    return plan.splits ? "plan again, with the splits of the rows" : "plan";
  }
  std::string operator()(const effect::HaveDone& wanted) const {
    const Errand& errand = wanted.errand;
    if (errand.kind == ErrandKind::copy_snapshots) return copies(errand);
    std::string text = fmt::format("have {} committed as {}, epoch {} after {}:", errand.vertex,
                                   sink_marker(errand.marked_with(), errand.vertex), errand.epoch,
                                   errand.previous);
    for (const Committable& each : errand.committables) text += " " + each.detail;
    return text;
  }
  static std::string copies(const Errand& errand) {
    std::string text = fmt::format("have copied as {}:", errand.copy);
    for (const StoredSnapshot& each : errand.files) text += " " + each.file.name;
    return text;
  }
  std::string operator()(const effect::LeaveBehind& behind) const {
    std::string text = "clean up";
    for (const auto& [node, incarnation] : behind.leftover.away) {
      text += fmt::format(", again when {} is back", node);
    }
    return text;
  }
  std::string operator()(const effect::BlameNode& blame) const {
    return fmt::format("blame {}: {}", blame.node, blame.reason);
  }
  std::string operator()(const effect::Need& need) const {
    std::string text = fmt::format("region {} needs {} slot{}", need.claim.region, need.slots,
                                   need.slots == 1 ? "" : "s");
    for (const auto& [node, incarnation] : need.avoided) text += fmt::format(", not on {}", node);
    return text;
  }
  std::string operator()(const effect::Hold& hold) const {
    return fmt::format("region {} is on {}", hold.claim.region, fmt::join(hold.nodes, " "));
  }
  std::string operator()(const effect::Free& free) const {
    return fmt::format("region {} needs no slots", free.claim.region);
  }
  std::string operator()(const effect::Continue&) const { return "continue when durable"; }
  std::string operator()(const effect::RunEnded& ended) const {
    return fmt::format("ended: {}", to_string(ended.state));
  }
  template <class Other>
  std::string operator()(const Other&) const {
    return "?";
  }
};

ExchangeKind exchange_of(const std::string& word) {
  for (const ExchangeKind kind :
       {ExchangeKind::forward, ExchangeKind::hash, ExchangeKind::broadcast, ExchangeKind::rebalance,
        ExchangeKind::gather}) {
    if (word == to_string(kind)) return kind;
  }
  ENSURE(false, "'{}' is no exchange", word);
}

FailureClass failure_of(const std::string& word) {
  for (const FailureClass failure :
       {FailureClass::user_error, FailureClass::poison_record, FailureClass::node_lost,
        FailureClass::resource, FailureClass::internal, FailureClass::node_fault,
        FailureClass::state_lost}) {
    if (word == to_string(failure)) return failure;
  }
  ENSURE(false, "'{}' is no failure class", word);
}

ErrorCode code_of(const std::string& word) {
  return word == "unavailable" ? ErrorCode::unavailable : ErrorCode::corrupt;
}

TaskId task_of(const std::string& word) {
  const auto dot = word.find('.');
  return {StageId(static_cast<std::uint32_t>(std::stoul(word.substr(0, dot)))),
          static_cast<std::uint32_t>(std::stoul(word.substr(dot + 1)))};
}

Attempt attempt_of(const std::string& word) { return Attempt(std::stoul(word.substr(1))); }

std::string rest_of(std::istream& words) {
  std::string rest;
  std::getline(words >> std::ws, rest);
  return rest;
}

}  // namespace

void RunScript::make_run(std::optional<CheckpointSettings> checkpoint) {
  store_ = std::make_unique<sim::Store>(ClusterId("c"));
  RunRecord run;
  run.checkpoint = std::move(checkpoint);
  run.run = RunId(1);
  run.uid = RunUid("c-1-0");
  run.job = JobName("job");
  run.hash = plan_name;
  run.target = {2, true};
  run.restart = {3, 10min, 200ms, 30s};
  *store_->write({JobVersionRecord{run.job, plan_name,
                                   std::make_shared<const std::string>(plan_name), "", "ada"},
                  run});
}

void RunScript::resume() {
  const RunRecord before = store_->all_runs().at(run_).made;
  RunRecord run = before;
  run.run = run_ = before.run.next();
  run.uid = RunUid(fmt::format("c-{}-0", run_));
  run.lineage = before.marked_with();
  run.resumes = before.run;
  *store_->write({run, InheritRecord{run_, before.run}});
}

std::string RunScript::run(const std::string& line) {
  std::istringstream words(line);
  std::string command, word;
  words >> command;
  const auto vertex = [&] { return words >> word, word; };
  if (command == "nodes") return describe_cluster(words), "";
  if (command == "stage") return describe_stage(words), "";
  if (command == "edge") return describe_edge(words), "";
  if (command == "checkpoints") {
    const std::chrono::milliseconds every(std::stoul(vertex()));
    CheckpointSettings settings{every, 5s, 2};
    words >> settings.copies_min;
    return make_run(settings), "";
  }
  if (command == "start" || command == "restart") return told(start());
  if (command == "planned") return told(tell(run_event::Planned{graph_}));
  if (command == "ready") {
    const AttemptKey key = read_key(words);
    return told(tell(run_event::Ready{made(key).node, made(key).incarnation, key}));
  }
  if (command == "acknowledged") return told(acknowledged(words));
  if (command == "exhausted") {
    const AttemptKey key = read_key(words);
    return told(tell(run_event::Exhausted{made(key).node, made(key).incarnation, key}));
  }
  if (command == "finished") return told(finished(words));
  if (command == "failed") return told(failed(words));
  if (command == "misses") return told(misses(words));
  if (command == "stopped") return told(tell(run_event::Stopped{read_key(words)}));
  if (command == "list") return told(list(words));
  if (command == "lose") {
    const NodeId node(vertex());
    slots_->on(admission_event::NodeGone{node});
    return told(tell(run_event::NodeLost{node, Incarnation(1), "its connection closed"}));
  }
  if (command == "continue") return told(tell(run_event::Continued{}));
  if (command == "committed") return told(tell(run_event::SinkCommitted{vertex()}));
  if (command == "commit-failed") {
    const std::string sink = vertex();
    return told(tell(
        run_event::SinkCommitFailed{sink, make_error(code_of(vertex()), "the storage said no")}));
  }
  if (command == "copied" || command == "copy-failed") {
    run_event::Copied copied{std::stoul(vertex()), NodeId(vertex()), {}};
    if (command == "copy-failed") copied.error = make_error(code_of(vertex()), "the disk says no");
    return told(tell(copied));
  }
  if (command == "cancel") return told(tell(run_event::Cancel{"ada"}));
  if (command == "stop") return told(tell(run_event::Stop{"ada"}));
  if (command == "resume") return resume(), "";
  if (command == "wait") {
    now_ += std::chrono::milliseconds(std::stoul(vertex()));
    return told(tell(run_event::Tick{}));
  }
  return fmt::format("'{}' is no command\n", command);
}

/// A new leader keeps a ledger of its own; it begins with the nodes.
Effects RunScript::start() {
  const ClusterView known = slots_->view();
  slots_ = std::make_unique<AdmissionMachine>();
  for (const auto& [name, node] : known.nodes) slots_->on(admission_event::NodeChanged{node});
  machine_ = std::make_unique<RunMachine>(store_->all_runs().at(run_));
  return machine_->start(slots_->view(), now_);
}

Effects RunScript::tell(const RunEvent& event) { return machine_->on(event, slots_->view(), now_); }

bool RunScript::is_sink(StageId stage) const {
  return std::none_of(graph_.edges.begin(), graph_.edges.end(),
                      [&](const TaskEdge& edge) { return edge.from == stage; });
}

Effects RunScript::acknowledged(std::istream& words) {
  const AttemptKey key = read_key(words);
  std::uint64_t epoch = 0;
  words >> epoch;
  std::string where;
  words >> where;
  TaskSnapshot snapshot;
  snapshot.files.push_back({{.name = fmt::format("{}.{}", short_of(key), epoch)}, {}});
  if (where == "here") snapshot.files.back().nodes = {made(key).node};
  if (is_sink(key.task.stage)) {
    snapshot.sink = fmt::format("v{}", key.task.stage);
    snapshot.committables.push_back(
        {fmt::format("{}.{}", attempt_tag(key), epoch), 1, Epoch(epoch)});
  }
  return tell(run_event::Snapshotted{made(key).node, made(key).incarnation, key, Epoch(epoch),
                                     std::move(snapshot)});
}

Effects RunScript::finished(std::istream& words) {
  const AttemptKey key = read_key(words);
  std::uint64_t rows = 0;
  words >> rows;
  TaskFinished report;
  report.token.run = key.run;
  report.token.task = key.task;
  report.token.attempt = key.attempt;
  for (std::uint32_t index = 0; index < graph_.edges.size(); ++index) {
    const TaskEdge& edge = graph_.edges[index];
    if (edge.from != key.task.stage || !edge.blocking) continue;
    const std::size_t parts = graph_.stage(edge.to).parallelism;
    report.outputs.push_back({index, std::vector<PartitionSummary>(parts, {1, rows})});
  }
  if (is_sink(key.task.stage)) {
    report.sink = fmt::format("v{}", key.task.stage);
    const Epoch open = machine_->epochs().published().next();
    report.committables.push_back({attempt_tag(key), 1, open});
  }
  return tell(run_event::Finished{made(key).node, made(key).incarnation, report});
}

Effects RunScript::failed(std::istream& words) {
  const AttemptKey key = read_key(words);
  std::string failure;
  words >> failure;
  TaskFailed report;
  report.token.run = key.run;
  report.token.task = key.task;
  report.token.attempt = key.attempt;
  report.failure = failure_of(failure);
  report.error = make_error(ErrorCode::unavailable, "{}", rest_of(words));
  return tell(run_event::Failed{made(key).node, made(key).incarnation, report});
}

Effects RunScript::misses(std::istream& words) {
  const AttemptKey key = read_key(words);
  const AttemptKey input = read_key(words);
  TaskFailed report;
  report.token.run = key.run;
  report.token.task = key.task;
  report.token.attempt = key.attempt;
  report.failure = FailureClass::node_lost;
  report.error = make_error(ErrorCode::corrupt, "{}", rest_of(words));
  report.lost_inputs = {{input.task, input.attempt, made(input).node}};
  return tell(run_event::Failed{made(key).node, made(key).incarnation, report});
}

Effects RunScript::list(std::istream& words) {
  std::string node, held;
  words >> node;
  run_event::Listed listed{NodeId(node), Incarnation(1), {}};
  while (words >> held) {
    const auto first = held.find('/');
    const auto second = held.find('/', first + 1);
    HeldTask task;
    task.run = run_;
    task.task = task_of(held.substr(0, first));
    task.attempt = attempt_of(held.substr(first + 1, second - first - 1));
    for (const HeldState state : {HeldState::deploying, HeldState::ready, HeldState::running,
                                  HeldState::finished, HeldState::failed, HeldState::exhausted}) {
      if (held.substr(second + 1) == to_string(state)) task.state = state;
    }
    listed.held.push_back(task);
  }
  if (const ClusterNode* known = slots_->view().find(NodeId(node))) {
    ClusterNode member = *known;
    member.placeable = member.listed = true;
    slots_->on(admission_event::NodeChanged{member});
  }
  return tell(listed);
}

AttemptKey RunScript::read_key(std::istream& words) const {
  std::string task, attempt;
  words >> task >> attempt;
  return {run_, task_of(task), attempt_of(attempt)};
}

const AttemptRecord& RunScript::made(const AttemptKey& key) const {
  const AttemptImage* image = store_->attempt(key);
  ENSURE(image != nullptr, "the script names {}, which was never made", short_of(key));
  return image->made;
}

void RunScript::describe_cluster(std::istream& words) {
  slots_ = std::make_unique<AdmissionMachine>();
  std::string node;
  std::uint32_t slots = 0;
  while (words >> node >> slots) {
    ClusterNode made{NodeId(node), Incarnation(1), "tcp://" + node, slots};
    made.placeable = made.listed = true;
    // After a failover: known from the rows, but it has not said what it holds.
    std::string word;
    if (words.peek() == '?') {
      words.get();
      made.placeable = made.listed = false;
    }
    slots_->on(admission_event::NodeChanged{made});
  }
}

void RunScript::describe_stage(std::istream& words) {
  std::uint32_t id = 0, parallelism = 1;
  words >> id >> parallelism;
  Stage stage;
  stage.id = StageId(id);
  stage.parallelism = parallelism;
  if (std::string kind; words >> kind && kind == "stream") {
    Phase source;
    source.flows = {Flow{.stream = true}};
    source.make_source = [] { return Result<std::shared_ptr<Source>>(nullptr); };
    stage.chain.push_back({"source", std::move(source)});
  }
  graph_.stages.push_back(stage);
}

void RunScript::describe_edge(std::istream& words) {
  std::uint32_t from = 0, to = 0;
  std::string exchange, blocking;
  words >> from >> to >> exchange >> blocking;
  TaskEdge edge;
  edge.from = StageId(from);
  edge.to = StageId(to);
  edge.exchange = exchange_of(exchange);
  edge.blocking = blocking == "blocking";
  graph_.edges.push_back(edge);
}

/// What was persisted is in the rows at once: what waits for what is the outbox's matter.
std::string RunScript::told(const Effects& effects) {
  std::string text;
  for (const Effect& effect : effects) {
    text += std::visit(EffectText(), effect) + "\n";
    std::visit(
        [this]<class E>(const E& wanted) {
          if constexpr (std::is_constructible_v<AdmissionEvent, const E&>) slots_->on(wanted);
        },
        effect);
    const auto* persist = std::get_if<effect::Persist>(&effect);
    if (persist == nullptr) continue;
    const Result<> done = store_->write(persist->records);
    if (!done) text += "REFUSED BY THE STORE: " + done.error().to_string() + "\n";
  }
  return text + granted();
}

std::string RunScript::granted() {
  const auto grant = slots_->next_grant();
  if (!grant) return fmt::format("= {}\n", to_string(machine_->state()));
  return fmt::format("{} granted to region {}\n", fmt::join(grant->nodes, " "),
                     grant->claim.region) +
         told(tell(run_event::Granted{grant->claim.region, grant->nodes}));
}

}  // namespace troupe
