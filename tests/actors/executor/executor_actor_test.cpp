#include "actors/executor/executor_actor.hpp"

#include "runtime/base/json.hpp"
#include "runtime/connectors/connectors.hpp"
#include "runtime/graph/planner.hpp"
#include "runtime/operator/operator_kind.hpp"
#include "runtime/os/own_files.hpp"
#include "runtime/protocol/message_text.hpp"
#include "tests/runtime/exec/fakes.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/faulty_files.hpp"
#include "tests/support/sim_disk.hpp"
#include "tests/support/temp_dir.hpp"

#include <arrow/type.h>
#include <xxhash.h>

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <thread>
#include <tuple>
#include <utility>

using namespace troupe;

namespace {

/// An operator kind of one phase, for graphs of the fakes.
class FakeKind : public OperatorKind {
 public:
  FakeKind(std::string name, OperatorRole role, Phase phase) : phase_(std::move(phase)) {
    description_.name = std::move(name);
    description_.summary = "For tests.";
    description_.role = role;
    description_.inputs_min = description_.inputs_max = role == OperatorRole::source ? 0 : 1;
  }
  const OperatorDescription& description() const override { return description_; }
  Result<OperatorPlan> plan(const Options&, const std::vector<PlanInput>&,
                            const PlanContext&) const override {
    OperatorPlan plan;
    plan.phases = {phase_};
    plan.phases.back().outputs = {arrow::schema({arrow::field("n", arrow::int64())})};
    return plan;
  }

 private:
  OperatorDescription description_;
  Phase phase_;
};

Phase with_input(Phase phase, ExchangeKind exchange, bool blocking) {
  PhaseInput input;
  input.exchange = exchange;
  if (exchange == ExchangeKind::hash) input.keys = {0};
  input.blocking = blocking;
  phase.inputs = {input};
  return phase;
}

const TaskId producer0{StageId(0), 0};
const TaskId producer1{StageId(0), 1};
const TaskId consumer0{StageId(1), 0};
const TaskId consumer1{StageId(1), 1};

/// An executor of its own, and the test as its coordinator.
class OneExecutor {
 public:
  /// What it keeps is on `files`, what its users read and write on `files_of_users`.
  explicit OneExecutor(FileSystem& files = system_files(),
                       FileSystem& files_of_users = system_files())
      : registry_(files_of_users), own_(files) {
    register_connectors(registry_);
    add("numbers", OperatorRole::source, source_phase(20, 100));
    add("hold", OperatorRole::transform, with_input(hold_phase(), ExchangeKind::hash, true));
    add("keep", OperatorRole::sink, with_input(sink_phase(sink), ExchangeKind::forward, false));
    graph_.name = JobName("test");
    vertex("in", "numbers", {});
    vertex("all", "hold", {{"in"}});
    vertex("out", "keep", {{"all"}});
    auto mistakes = bind(graph_, registry_);
    for (const auto& mistake : mistakes) FAIL_CHECK(mistake.to_string());
    target_.parallelism = 2;
    target_.keep_blocking_edges = true;
    executor_ = spawn_executor(
        system_,
        {.self = NodeId("n"), .incarnation = Incarnation(5), .cluster = ClusterId("c"), .slots = 2},
        {.planner = planner_,
         .metrics = metrics_,
         .files = own_,
         .directory = directory_.path() + "/work",
         .snapshots = directory_.path() + "/checkpoints",
         .expelled = [](std::string, Incarnation) {}});
    find_coordinator();
    static_cast<void>(next<JoinCluster>());
    command(Joined{ClusterId("c"), Term(1), Incarnation(5)});
  }
  ~OneExecutor() { CHECK(system_.shutdown(5s).ok()); }

  Token token(TaskId task, std::uint64_t attempt) {
    return {ClusterId("c"), Term(1),          RunId(7),       Attempt(1),
            task,           Attempt(attempt), Incarnation(5), ++seq_};
  }
  DeployTask deployment(TaskId task, std::uint64_t attempt) {
    DeployTask deploy;
    deploy.token = token(task, attempt);
    deploy.job = graph_.name;
    deploy.plan = std::make_shared<const std::string>(encode_plan(graph_));
    deploy.target = target_;
    deploy.memory_bytes = 1 << 30;
    if (task.stage == StageId(0)) {
      deploy.splits = {{std::to_string(task.subtask), 1, -1}};
    } else {
      deploy.inputs = {{0, {peer(0, 1), peer(1, 2)}}};
    }
    return deploy;
  }
  /// A task that copies a file of its users to another one.
  DeployTask copy(const std::string& from, const std::string& to) {
    JobGraph graph;
    graph.name = JobName("copy");
    graph.vertices = {connector("in", "read.csv", from, {}),
                      connector("out", "write.csv", to, {{"in"}})};
    for (const auto& mistake : bind(graph, registry_)) FAIL(mistake.to_string());
    TaskGraph tasks = plan_tasks(graph, registry_, {1, false}).value();
    REQUIRE(tasks.stages.size() == 1);
    REQUIRE(assign_splits(tasks));
    DeployTask deploy;
    deploy.token = token(producer0, 1);
    deploy.job = graph.name;
    deploy.plan = std::make_shared<const std::string>(encode_plan(graph));
    deploy.target = {1, false};
    deploy.memory_bytes = 1 << 30;
    deploy.splits = tasks.stages[0].splits.at(0);
    return deploy;
  }
  TaskPeer peer(std::uint32_t subtask, std::uint64_t attempt) {
    return {{StageId(0), subtask}, Attempt(attempt), NodeId("n")};
  }
  /// Deploys, starts and waits for the end.
  TaskFinished finish(TaskId task, std::uint64_t attempt) {
    command(deployment(task, attempt));
    static_cast<void>(next<TaskReady>());
    command(StartTask{token(task, attempt)});
    return next<TaskFinished>();
  }
  void command(Command command) { executor_.tell(std::move(command)); }
  /// A conversation begins; the one before it, if any, is over.
  void find_coordinator() {
    coordinator_.handle().stop();
    coordinator_ = system_.spawn<Coordinator>(
        "coordinator", [this](Reported reported) { hear(std::move(reported)); });
    executor_.tell(CoordinatorFound{CoordinatorPort(coordinator_.handle())});
  }

  /// Likewise, whatever the end is.
  Report end_of(TaskId task, std::uint64_t attempt) { return end_of(deployment(task, attempt)); }
  Report end_of(const DeployTask& deploy) {
    command(deploy);
    bool started = false;
    while (true) {
      Report report = next_report();
      if (std::holds_alternative<TaskReady>(report) && !std::exchange(started, true)) {
        command(StartTask{token(deploy.token.task, deploy.token.attempt.value())});
      } else {
        return report;
      }
    }
  }
  /// The next report of this kind; progress is passed over, anything else fails the test.
  template <class R>
  R next() {
    Report report = next_report();
    INFO(name_of(report));
    if (auto* failed = std::get_if<TaskFailed>(&report)) INFO(failed->error.message);
    REQUIRE(std::holds_alternative<R>(report));
    return std::get<R>(std::move(report));
  }
  Report next_report() {
    std::unique_lock lock(mutex_);
    while (true) {
      REQUIRE(heard_.wait_for(lock, 5s, [&] { return !reports_.empty(); }));
      REQUIRE(reports_.front().node == NodeId("n"));
      Report report = std::move(reports_.front().report);
      reports_.pop_front();
      if (!std::holds_alternative<TaskProgress>(report)) return report;
    }
  }
  bool gone(const std::string& path) const { return gone_from("/work/run-7" + path); }
  bool gone_from(const std::string& path) const {
    const auto full = directory_.path() + path;
    for (int i = 0; i < 500 && std::filesystem::exists(full); ++i) {
      std::this_thread::sleep_for(10ms);
    }
    return !std::filesystem::exists(full);
  }
  std::string file(const std::string& path) const {
    return directory_.path() + "/work/run-7" + path;
  }
  /// One of run "uid" that is here.
  StoredSnapshot state_file(const std::string& name, const std::string& bytes) {
    const SnapshotStore store(own_, directory_.path() + "/checkpoints");
    store.prepare(RunUid("uid")).value();
    write_atomically(own_, store.path(RunUid("uid"), name).value(), bytes).value();
    StoredSnapshot stored{{name}, {NodeId("n")}};
    stored.file.bytes = bytes.size();
    stored.file.hash = XXH3_64bits(bytes.data(), bytes.size());
    return stored;
  }

  std::shared_ptr<FakeSink> sink = std::make_shared<FakeSink>();

 private:
  class Coordinator : public ActorOf<Coordinator, Reported> {
   public:
    explicit Coordinator(std::function<void(Reported)> heard) : heard_(std::move(heard)) {}
    void on(const Reported& reported) { heard_(reported); }

   private:
    const std::function<void(Reported)> heard_;
  };

  void add(std::string name, OperatorRole role, Phase phase) {
    registry_.add(std::make_unique<FakeKind>(std::move(name), role, std::move(phase)));
  }
  static JobVertex connector(std::string id, std::string op, const std::string& path,
                             std::vector<JobInput> inputs) {
    JobVertex vertex;
    vertex.id = std::move(id);
    vertex.op = std::move(op);
    vertex.with = std::make_shared<const Json>(Json{{"path", path}});
    vertex.inputs = std::move(inputs);
    return vertex;
  }
  void vertex(std::string id, std::string op, std::vector<JobInput> inputs) {
    JobVertex vertex;
    vertex.id = std::move(id);
    vertex.op = std::move(op);
    vertex.with = std::make_shared<const Json>(Json::object());
    vertex.inputs = std::move(inputs);
    graph_.vertices.push_back(std::move(vertex));
  }
  void hear(Reported reported) {
    std::lock_guard lock(mutex_);
    reports_.push_back(std::move(reported));
    heard_.notify_all();
  }

  TempDir directory_;
  OperatorRegistry registry_;
  OwnFiles own_;
  Planner planner_{registry_};
  Metrics metrics_;
  JobGraph graph_;
  PlanTarget target_;
  std::uint64_t seq_ = 0;
  std::mutex mutex_;
  std::condition_variable heard_;
  std::deque<Reported> reports_;
  ActorSystem system_{{.workers = 2}};
  ExecutorRef executor_;
  Coordinator::Ref coordinator_;
};

}  // namespace

TEST_CASE("an executor runs what it is told, stage by stage, and what it made is exact") {
  // Two producers keep 2,000 numbers each for two consumers, which stage them in a sink.
  OneExecutor node;
  auto first = node.finish(producer0, 1);
  auto second = node.finish(producer1, 2);
  REQUIRE(first.outputs.size() == 1);
  REQUIRE(first.outputs[0].partitions.size() == 2);
  CHECK(first.outputs[0].partitions[0].rows + first.outputs[0].partitions[1].rows == 2000);
  CHECK(first.outputs[0].partitions[0].hash != second.outputs[0].partitions[0].hash);
  CHECK(first.counters.vertices[0].rows_out == 2000);

  std::vector<Committable> staged;
  for (auto [task, attempt] : {std::pair(consumer0, 3), std::pair(consumer1, 4)}) {
    auto finished = node.finish(task, static_cast<std::uint64_t>(attempt));
    CHECK(finished.sink == "out");
    staged.insert(staged.end(), finished.committables.begin(), finished.committables.end());
  }
  node.sink->commit({}, staged).value();
  std::vector<std::int64_t> expected;
  for (std::int64_t n = 0; n < 2000; ++n) expected.push_back(n);
  for (std::int64_t n = 0; n < 2000; ++n) expected.push_back(1'000'000 + n);
  CHECK(node.sink->rows() == expected);

  CHECK(std::filesystem::exists(node.file("/r7-t0.0-a1/edge-0")));
  node.command(ReleaseRun{node.token({}, 0)});
  CHECK(node.gone(""));
}

TEST_CASE("a second attempt of a producer keeps rows of the same hash") {
  OneExecutor node;
  auto first = node.finish(producer0, 1);
  auto again = node.finish(producer0, 2);
  CHECK(first.outputs == again.outputs);
}

TEST_CASE("a task that was cancelled is stopped, and its files go") {
  // Once before it was started and once after it has finished.
  OneExecutor node;
  node.command(node.deployment(producer0, 1));
  static_cast<void>(node.next<TaskReady>());
  node.command(CancelTask{node.token(producer0, 1), "no longer wanted"});
  static_cast<void>(node.next<TaskStopped>());

  static_cast<void>(node.finish(producer1, 2));
  node.command(CancelTask{node.token(producer1, 2), "no longer wanted"});
  static_cast<void>(node.next<TaskStopped>());
  CHECK(node.gone("/r7-t0.1-a2"));
}

TEST_CASE("a task goes on from state files that are whole, and from no others") {
  OneExecutor node;
  DeployTask deploy = node.deployment(producer0, 1);
  deploy.run_uid = RunUid("uid");
  deploy.epochs.restore = Epoch(4);
  deploy.epochs.files = {node.state_file("one", "abc"), node.state_file("two", "def")};
  node.command(deploy);
  static_cast<void>(node.next<TaskReady>());
  // One whose only copy is damaged, and one that only a node has which is away.
  DeployTask damaged = deploy;
  damaged.token = node.token(producer1, 2);
  damaged.epochs.files[1].file.hash ^= 1;
  node.command(damaged);
  const auto lost = node.next<TaskFailed>();
  CHECK(lost.failure == FailureClass::state_lost);
  CHECK(lost.error.message.find("no good copy is left of the state file 'two'") !=
        std::string::npos);
  DeployTask away = deploy;
  away.token = node.token(producer1, 3);
  away.epochs.files[1].file.name = "three";
  away.epochs.files[1].nodes = {NodeId("m")};
  node.command(away);
  CHECK(node.next<TaskFailed>().failure == FailureClass::node_lost);

  node.command(DropSnapshots{node.token({}, 0), RunUid("uid"), {"one"}});
  CHECK(node.gone_from("/checkpoints/uid/one"));
  CHECK_FALSE(node.gone_from("/checkpoints/uid/two"));
  node.command(ReleaseRun{node.token({}, 0), RunUid("uid"), true});
  CHECK(node.gone_from("/checkpoints/uid"));
}

TEST_CASE("losing its coordinator loses no work: the next one is told what is held") {
  // The first coordinator ends before it has acknowledged that a task finished.
  OneExecutor node;
  const auto first = node.finish(producer0, 1);
  node.find_coordinator();
  static_cast<void>(node.next<JoinCluster>());
  node.command(Joined{ClusterId("c"), Term(2), Incarnation(5)});
  Token token = node.token({}, 0);
  token.term = Term(2);
  node.command(Adopt{token});
  const auto inventory = node.next<Inventory>();
  REQUIRE(inventory.held.size() == 1);
  CHECK(inventory.held[0].state == HeldState::finished);
  CHECK(node.next<TaskFinished>().outputs == first.outputs);
}

TEST_CASE("an input that is not there is reported as lost, with its producer") {
  OneExecutor node;
  static_cast<void>(node.finish(producer0, 1));
  static_cast<void>(node.finish(producer1, 2));
  std::filesystem::remove(node.file("/r7-t0.1-a2/edge-0"));
  node.command(node.deployment(consumer0, 3));
  static_cast<void>(node.next<TaskReady>());
  node.command(StartTask{node.token(consumer0, 3)});
  auto failed = node.next<TaskFailed>();
  CHECK(failed.failure == FailureClass::node_lost);
  REQUIRE(failed.lost_inputs.size() == 1);
  CHECK(failed.lost_inputs[0] == node.peer(1, 2));
}

TEST_CASE("a kept partition that is damaged is never read: it is lost, and its producer named") {
  OneExecutor node;
  static_cast<void>(node.finish(producer0, 1));
  static_cast<void>(node.finish(producer1, 2));
  const std::string kept = node.file("/r7-t0.1-a2/edge-0");
  const auto size = std::filesystem::file_size(kept);
  SECTION("a bit is flipped") {
    std::fstream file(kept, std::ios::in | std::ios::out | std::ios::binary);
    const auto at = static_cast<std::streamoff>(size / 4);  // of the first partition
    file.seekg(at);
    const char byte = static_cast<char>(file.get() ^ 0x10);
    file.seekp(at);
    file.put(byte);
  }
  SECTION("its end is missing") { std::filesystem::resize_file(kept, size - 1); }
  const Report end = node.end_of(consumer0, 3);
  REQUIRE(std::holds_alternative<TaskFailed>(end));
  const auto& failed = std::get<TaskFailed>(end);
  INFO(failed.error.to_string());
  CHECK(failed.failure == FailureClass::node_lost);
  REQUIRE(failed.lost_inputs.size() == 1);
  CHECK(failed.lost_inputs[0] == node.peer(1, 2));
  CHECK(node.sink->written() <= 2000);
}

TEST_CASE("a disk that fails, at whichever call, fails the attempt for want of a resource") {
  // Every write and sync of what a producer keeps, one after the other; the last round has them
  // all.
  int failures = 0;
  for (int calls = 0;; ++calls) {
    REQUIRE(calls < 200);
    FaultyFiles files(system_files());
    files.fail_at(calls, FaultyFiles::Fault::dead);
    OneExecutor node(files);
    const Report end = node.end_of(producer0, 1);
    if (std::holds_alternative<TaskFinished>(end)) break;
    REQUIRE(std::holds_alternative<TaskFailed>(end));
    INFO(std::get<TaskFailed>(end).error.to_string());
    CHECK(std::get<TaskFailed>(end).failure == FailureClass::node_fault);
    CHECK(std::get<TaskFailed>(end).lost_inputs.empty());
    ++failures;
  }
  CHECK(failures >= 4);
}

TEST_CASE("a disk of its users that fails, at whichever call, is told as what it is") {
  // One that is broken is the fault of its node, also where a read stops in the middle; one that
  // is full is a want, which another node may have as well.
  using Fault = FaultyFiles::Fault;
  for (const auto& [fault, failure, calls_min] :
       {std::tuple(Fault::broken, FailureClass::node_fault, 10),
        std::tuple(Fault::full, FailureClass::resource, 10),
        std::tuple(Fault::short_read, FailureClass::node_fault, 1)}) {
    for (int call = 0;; ++call) {
      REQUIRE(call < 100);
      sim::Disk below;
      REQUIRE(below.make_directories("/in"));
      REQUIRE(write_atomically(below, "/in/rows.csv", "n\n1\n2\n"));
      FaultyFiles disk(below);
      OneExecutor node(system_files(), disk);
      const DeployTask copy = node.copy("/in/rows.csv", "/out/rows.csv");
      disk.fail_at(call, fault);
      const Report end = node.end_of(copy);
      if (std::holds_alternative<TaskFinished>(end)) {
        CHECK_FALSE(disk.struck());
        CHECK(call >= calls_min);
        break;
      }
      REQUIRE(std::holds_alternative<TaskFailed>(end));
      const auto& failed = std::get<TaskFailed>(end);
      INFO(call << " " << disk.asked() << ": " << failed.error.to_string());
      CHECK(failed.failure == failure);
      const std::string path = disk.asked().substr(disk.asked().find('\''));
      CHECK(failed.error.message.find(path) != std::string::npos);
    }
  }
}

TEST_CASE("a plan that is none fails its task, not the executor") {
  OneExecutor node;
  auto deploy = node.deployment(producer0, 1);
  deploy.plan = std::make_shared<const std::string>("not a plan");
  node.command(deploy);
  static_cast<void>(node.next<TaskFailed>());
  CHECK(node.finish(producer0, 2).counters.vertices[0].rows_out == 2000);
}
