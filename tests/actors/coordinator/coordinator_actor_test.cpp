// The coordinator's shell and its disk: what is said comes after what is written, and a write that
// fails is the end of it. Every order of the steps that 50 seeds choose.
#include "actors/coordinator/coordinator_actor.hpp"

#include "actors/system/actor.hpp"
#include "actors/system/stepped_actor_system.hpp"
#include "runtime/operator/operator_kind.hpp"
#include "runtime/protocol/message_text.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/sim_store.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <vector>

using namespace troupe;

namespace {

constexpr std::uint64_t seeds = 50;

/// A disk that takes so many writes, and no more.
class RefusingStore final : public MetadataStore {
 public:
  explicit RefusingStore(int writes_max) : writes_max_(writes_max) {}

  Result<ClusterImage> begin_term() override { return store.begin_term(); }
  Result<std::vector<Looked>> carry_out(const StoreSteps& steps) override {
    if (writes_ >= writes_max_) return make_error(ErrorCode::unavailable, "the disk is full");
    ++writes_;
    if (while_writing) while_writing();
    return store.carry_out(steps);
  }
  Result<StoredRun> run(RunId run) override { return store.run(run); }
  Result<RunSummary> run_summary(RunId run) override { return store.run_summary(run); }
  Result<std::vector<RunSummary>> runs(const std::optional<JobName>& job,
                                       std::optional<RunId> before, std::uint32_t limit) override {
    return store.runs(job, before, limit);
  }
  Result<std::vector<JobSummary>> jobs(const JobName& after, std::uint32_t limit) override {
    return store.jobs(after, limit);
  }
  Result<StoredJob> job(const JobName& job) override { return store.job(job); }
  Result<std::vector<StoredEpoch>> epochs(RunId run, std::uint32_t limit) override {
    return store.epochs(run, limit);
  }
  Result<std::vector<StoredEvent>> events(const std::optional<RunId>& run, std::uint64_t sequence,
                                          std::uint32_t limit) override {
    return store.events(run, sequence, limit);
  }

  sim::Store store{ClusterId("c")};
  std::function<void()> while_writing;

 private:
  const int writes_max_;
  int writes_ = 0;
};

/// The executor of a node, which notes what it is told and what was durable then.
class Listener : public ActorOf<Listener, Command> {
 public:
  Listener(std::vector<std::string>& told, const RefusingStore& store)
      : told_(told), store_(store) {}
  void on(const Command& command) {
    told_.push_back(name_of(command));
    CHECK(store_.store.nodes().contains(NodeId("n")));
  }

 private:
  std::vector<std::string>& told_;
  const RefusingStore& store_;
};

struct Watcher : ActorOf<Watcher, Command> {
  Watcher(ActorHandle other, std::optional<Down>& down) : other_(std::move(other)), down_(down) {}
  void start() override {
    watch(other_, [this](const Down& down) { down_ = down; });
  }
  void on(const Command&) {}

  ActorHandle other_;
  std::optional<Down>& down_;
};

/// A coordinator that one node asks to join.
struct Joining {
  Joining(std::uint64_t seed, int writes_max)
      : system(seed), store(std::make_shared<RefusingStore>(writes_max)) {
    const auto listener = system.spawn<Listener>("executor", told, *store);
    CoordinatorServices services{
        store, system.io(), planner, metrics,
        [listener](const NodeId&, Incarnation) { return ExecutorPort(listener.handle()); }};
    coordinator = spawn_coordinator(system, {}, std::move(services));
    system.spawn<Watcher>("watcher", coordinator.handle(), down);
    coordinator.tell(CoordinatorTold{coordinator_event::Received{
        NodeId("n"), JoinCluster{ClusterId("c"), NodeId("n"), Incarnation(1), Term(), "", 2}}});
  }
  void run() { system.run(); }

  OperatorRegistry registry{system_files()};
  Planner planner{registry};
  Metrics metrics;
  std::vector<std::string> told;
  std::optional<Down> down;
  SteppedActorSystem system;
  std::shared_ptr<RefusingStore> store;
  CoordinatorRef coordinator;
};

}  // namespace

TEST_CASE("a node is told that it is a member when its row is durable") {
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    Joining joining(seed, 1000);
    joining.run();
    CHECK(joining.told == std::vector<std::string>{"Joined", "Adopt"});
    CHECK_FALSE(joining.down.has_value());
  }
}

TEST_CASE("a store that refuses a write ends its coordinator, and nothing leaves before it") {
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    Joining joining(seed, 0);
    joining.run();
    CHECK(joining.told.empty());
    REQUIRE(joining.down.has_value());
    REQUIRE(joining.down->error.has_value());
    CHECK(joining.down->error->message.find("the disk is full") != std::string::npos);
  }
}

TEST_CASE("a list waits for no write: it is answered while one is under way") {
  std::size_t while_writing = 0;
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    Joining joining(seed, 1000);
    bool writing = false;
    joining.store->while_writing = [&] {
      writing = true;
      while (joining.system.io().run_one()) {
      }
      writing = false;
    };
    std::size_t answers = 0;
    const auto control = make_control(joining.coordinator);
    control->ask(ListRuns{}, AnswerTo<ListRuns>([&](const Result<RunPage>& runs) {
                   CHECK(runs.ok());
                   ++answers;
                   while_writing += writing;
                 }));
    joining.run();
    CHECK(answers == 1);
  }
  CHECK(while_writing > 0);
}
