#include "tests/sim/sim_executor.hpp"

#include "runtime/base/node_fault.hpp"
#include "runtime/host/errand_work.hpp"
#include "runtime/host/partition_file_reader.hpp"
#include "runtime/host/serving_task.hpp"
#include "runtime/protocol/message_codec.hpp"

#include <utility>

namespace troupe::sim {
namespace {

constexpr Duration tick_every = 50ms;
constexpr Duration report_progress_every = 500ms;
constexpr std::size_t heard_max = 400;
constexpr Duration slow_errand_max = 5s;
constexpr Duration hangs_at_least = 1s;

ExecutorConfig config_of(NodeIndex self, Incarnation incarnation) {
  ExecutorConfig config;
  config.self = World::name_of(self);
  config.incarnation = incarnation;
  config.cluster = ClusterId("sim");
  config.address = fmt::format("sim://{}", self);
  config.slots = 2 + static_cast<std::uint32_t>(self % 2);
  return config;
}

/// For mutants: rows that are not there, or those before the first that is damaged.
class Lenient final : public BatchReader {
 public:
  Lenient(std::unique_ptr<BatchReader> rows, ErrorCode forgiven)
      : rows_(std::move(rows)), forgiven_(forgiven) {}
  Result<Batch> next() override {
    auto batch = rows_->next();
    return !batch && batch.error().code == forgiven_ ? Result<Batch>(Batch()) : std::move(batch);
  }

 private:
  const std::unique_ptr<BatchReader> rows_;
  const ErrorCode forgiven_;
};

}  // namespace

SimExecutor::SimExecutor(World& world, NodeIndex self)
    : world_(world),
      self_(self),
      incarnation_(world.next_incarnation(self)),
      wire_(world.keep(std::make_shared<SimWire>(
          world, self, incarnation_,
          SimWire::Heard{
              [this](NodeIndex peer, const PeerEvent& event) { hear_peer(peer, event); },
              [this](NodeIndex peer, const Frame& frame) { hear_frame(peer, frame); },
              [this](NodeIndex peer, DataFrame frame) { hear_data(peer, std::move(frame)); }}))),
      plane_(DataPlane::over(*wire_, world.metrics, world.clock_of(self), ClusterName("sim"),
                             World::name_of(self), incarnation_)),
      channels_(world.keep(std::make_shared<SimChannels>(world, self, *plane_))),
      deployer_(world.keep(std::make_shared<Deployer>(
          World::name_of(self), world.planner(), world.own_files(self), "/work", "/checkpoints",
          channels_.get(), world.clock_of(self)))),
      driver_(config_of(self, incarnation_), deployer_->kept(), deployer_->snapshots(), *this,
              world.clock_of(self)) {
  world_.keep(plane_);
  world_.loop.after(self_, Duration(0), [this] { begin(); });
}

void SimExecutor::begin() {
  Recovered left = deployer_->recover();
  world_.check(!left.stays || world_.disk_full(self_),
               "what an earlier process kept can be removed");
  driver_.begin(std::move(left.with_snapshots));
  std::vector<NodeIndex> peers;
  for (NodeIndex node = 0; node < world_.nodes(); ++node) {
    if (node != self_) peers.push_back(node);
  }
  world_.net.up(self_, *this, peers);
  tick();
}

void SimExecutor::tick() {
  const Instant now = world_.clock(self_);
  wire_->tick();
  if (dead_) return;
  plane_->tick(now);
  if (now.time_since_epoch() / tick_every % (report_progress_every / tick_every) == 0) {
    driver_.report_progress();
  }
  if (!dead_) world_.loop.after(self_, tick_every, [this] { tick(); });
}

void SimExecutor::on_kill() {
  dead_ = true;
  wire_->die();
}

bool SimExecutor::killed_at(KillPoint point) { return world_.killed_at(point, self_); }

std::string SimExecutor::held() const {
  if (!machine().held().empty()) {
    const HeldTask held = machine().held().front();
    return fmt::format("{} ({})", attempt_tag(key_of(held)), to_string(held.state));
  }
  if (driver_.attempts() > 0) return "an attempt";
  if (machine().errands() > 0) return "an errand";
  if (!serving_.empty()) return "a partition that is being sent";
  if (!fetching_.empty()) return "state files that are being fetched";
  if (deployer_->runs() > 0) return "a run";
  if (plane_->open() > 0) return "an end of a channel";
  const auto files = world_.disk(self_).files_below("/work");
  return files.empty() ? "" : files.front();
}

// ---- network

void SimExecutor::hear_peer(NodeIndex peer, const PeerEvent& event) {
  using namespace session_effect;
  if (peer != World::coordinator) return plane_->hear_peer(World::name_of(peer), event);
  if (std::holds_alternative<Up>(event)) {
    driver_.session_up();
    if (!dead_) killed_at(KillPoint::joining);
  } else if (std::holds_alternative<Down>(event)) {
    driver_.session_down();
  } else if (const auto* fenced = std::get_if<Fenced>(&event)) {
    be_reborn(fenced->highest);
  } else if (const auto* rejected = std::get_if<Rejected>(&event)) {
    world_.violation(fmt::format("n{} is rejected: {}", self_, rejected->text));
  }
}

void SimExecutor::hear_frame(NodeIndex peer, const Frame& frame) {
  if (peer == World::coordinator) {
    auto& heard = world_.heard[self_];
    if (heard.size() < heard_max) heard.push_back(frame);
    return obey(frame);
  }
  if (frame.to() == store_address) return serve(peer, frame);
  plane_->hear(World::name_of(peer), frame);
}

void SimExecutor::hear_data(NodeIndex peer, DataFrame frame) {
  if (world_.mutated(Mutation::stale_data_accepted)) frame = stale_.renamed(frame);
  plane_->hear_data(World::name_of(peer), std::move(frame));
}

/// As in a real node: it ends, and begins as the next incarnation.
void SimExecutor::be_reborn(Incarnation above) {
  if (std::exchange(fenced_, true)) return;
  world_.loop.after(self_, Duration(0), [this, above] { world_.restart(self_, above); });
}

void SimExecutor::obey(const Frame& frame) {
  auto command = command_of(frame);
  world_.check(command.ok(), "coordinators send commands");
  if (world_.mutated(Mutation::tokens_not_compared)) {
    std::visit(
        [&](auto& message) {
          if constexpr (requires { message.token; }) {
            message.token.term = machine().term_seen();
            message.token.incarnation = incarnation_;
          }
        },
        *command);
  }
  if (world_.mutated(Mutation::cancel_ignored) && std::holds_alternative<CancelTask>(*command)) {
    return;
  }
  obey_strangely(*command);
  const bool snapshot = std::holds_alternative<SnapshotTask>(*command);
  const Term seen = machine().term_seen();
  const auto before = machine().held();
  const Command original = *command_of(frame);
  driver_.obey(*std::move(command));
  if (dead_ || (snapshot && killed_at(KillPoint::epoch_ordered))) return;
  // A command with a stale token changes nothing, however it got here.
  const Token* token = token_of(original);
  const bool stale = token != nullptr && (token->term < seen || token->incarnation != incarnation_);
  world_.check(!stale || (machine().held() == before && machine().term_seen() == seen),
               "a command with a stale token was obeyed");
}

void SimExecutor::obey_strangely(Command& command) {
  if (auto* snapshot = std::get_if<SnapshotTask>(&command)) {
    if (world_.mutated(Mutation::given_up_is_published)) {
      snapshot->published = Epoch(snapshot->epoch.value() - 1);
    }
  }
}

void SimExecutor::replay(const Frame& frame) {
  world_.trace("n{} hears an old command again", self_);
  obey(frame);
}

// ---- what the driver asks for

void SimExecutor::send(Report report) {
  if (dead_ || !wire_->up(World::coordinator)) return;
  if (auto* failed = std::get_if<TaskFailed>(&report)) {
    world_.trace("n{} {} breaks: {}", self_, attempt_tag(key_of(failed->token)),
                 failed->error.to_string());
    world_.count_failure(*failed);
    if (world_.mutated(Mutation::bad_node_not_avoided) &&
        failed->failure == FailureClass::node_fault) {
      failed->failure = FailureClass::internal;
    }
    if (world_.mutated(Mutation::failure_is_success)) {
      TaskFinished finished;
      finished.token = failed->token;
      report = finished;
    }
  }
  if (auto* finished = std::get_if<TaskFinished>(&report)) {
    if (world_.mutated(Mutation::hashes_ignored)) {
      for (OutputSummary& output : finished->outputs) {
        for (PartitionSummary& partition : output.partitions) partition = {};
      }
    }
  }
  const bool ready = std::holds_alternative<TaskReady>(report);
  const bool finished = std::holds_alternative<TaskFinished>(report);
  wire_->send_now(World::coordinator,
                  frame_of(report, {ClusterName("sim"), World::name_of(self_), incarnation_}));
  if (dead_) return;
  if (ready && killed_at(KillPoint::ready_not_started)) return;
  if (finished) killed_at(KillPoint::reported_not_acknowledged);
}

void SimExecutor::fetch(std::uint64_t number, SnapshotOrder order) {
  if (dead_ || killed_at(KillPoint::restoring)) return;
  world_.trace("n{} fetches {} files of run {}", self_, order.files.size(), order.run);
  if (world_.mutated(Mutation::state_not_fetched)) {
    return world_.loop.after(
        self_, 1ms, [this, number, files = order.files] { driver_.fetched(number, files); });
  }
  auto host = std::make_shared<SimTaskHost>(world_, self_);
  FetchingTask task = deployer_->fetching(std::move(order), host);
  host->attach([this, number] { fetch_on(number); });
  fetching_.emplace(number, Fetching{host, TaskTurns({}, std::move(task.task)), task.here});
  host->begin();
}

void SimExecutor::stop_fetch(std::uint64_t number) {
  const auto found = fetching_.find(number);
  if (found != fetching_.end() && !dead_) found->second.turns.stop();
}

void SimExecutor::fetch_on(std::uint64_t number) {
  const auto found = fetching_.find(number);
  if (found == fetching_.end()) return;
  auto& [host, turns, here] = found->second;
  if (turns.turn()) return host->wake();
  if (!turns.ended() || host->away() > 0) return;
  host->leave();
  using Files = Result<std::vector<StoredSnapshot>>;
  const Files outcome = turns.error() ? Files(*turns.error()) : Files(*here);
  fetching_.erase(found);
  driver_.fetched(number, outcome);
}

void SimExecutor::build(const DeployTask& deploy) {
  const AttemptKey key = key_of(deploy.token);
  if (dead_) return;
  world_.trace("n{} opens {}", self_, attempt_tag(key));
  if (killed_at(KillPoint::deployed_not_ready)) return;
  auto host = std::make_shared<SimTaskHost>(world_, self_);
  shells_[key].host = host;
  world_.loop.after(self_, world_.between(50us, 4ms), [this, key, deploy, host] {
    if (world_.mutated(Mutation::stale_data_accepted)) stale_.expect(deploy);
    auto built = deployer_->build(deploy, host);
    if (!built) return driver_.not_built(key, built.error());
    driver_.built(key, *std::move(built));
  });
}

void SimExecutor::open(const AttemptKey& key, const Deployment& deployment, const JobName&) {
  Shell& shell = shells_.at(key);
  shell.turns.emplace(key, deployment.task);
  shell.host->attach([this, key] { turn(key); });
  if (world_.mutated(Mutation::start_without_ready)) shell.host->begin();
}

void SimExecutor::run(const AttemptKey& key) {
  if (dead_ || killed_at(KillPoint::running)) return;
  world_.trace("n{} runs {}", self_, attempt_tag(key));
  const auto found = shells_.find(key);
  if (found == shells_.end()) return;  // a mutant's: it began before it was told to, and is over
  Shell& shell = found->second;
  if (world_.mutated(Mutation::gives_up_for_nothing) && world_.random.chance(1, 40)) {
    shell.turns->defect(make_error(ErrorCode::unavailable, "for nothing"));
  }
  shell.host->begin();
}

void SimExecutor::stop(const AttemptKey& key) {
  if (dead_) return;
  Shell& shell = shells_.at(key);
  shell.turns->stop();
  shell.host->begin();
}

void SimExecutor::turn(const AttemptKey& key) {
  const auto found = shells_.find(key);
  if (found == shells_.end()) return;
  Shell& shell = found->second;
  const bool more = shell.turns->turn();
  if (TaskNews news = shell.turns->take_news(); news.any()) {
    if (!news.saved.empty() && killed_at(KillPoint::saved_not_acknowledged)) return;
    say(key, std::move(news));
  }
  if (more) return shell.host->wake();
  if (shell.turns->ended() && shell.host->away() == 0) tell_end_of(key);
}

void SimExecutor::say(const AttemptKey& key, TaskNews news) {
  if (world_.mutated(Mutation::committed_at_acknowledgement)) commit_at_once(key, news);
  driver_.said(key, std::move(news));
}

/// The mutant: what a task has staged need not wait for the others.
void SimExecutor::commit_at_once(const AttemptKey& key, const TaskNews& news) {
  const RunImage& run = world_.store.all_runs().at(key.run);
  for (const auto& [epoch, snapshot] : news.saved) {
    if (snapshot.sink.empty()) continue;
    Errand errand{ErrandKind::commit_sink, run.made.uid,          run.plan,
                  snapshot.sink,           snapshot.committables, epoch,
                  Epoch(epoch.value() - 1)};
    static_cast<void>(carry_out(errand, world_.planner()).ok());
  }
}

void SimExecutor::tell_end_of(const AttemptKey& key) {
  const TaskEnded end = shells_.at(key).turns->end();
  if (!end.error && killed_at(KillPoint::finished_not_reported)) return;
  driver_.ended(end);
}

void SimExecutor::over(const AttemptKey& key, const Deployment* deployment,
                       AttemptOutcome outcome) {
  const auto shell = shells_.extract(key);
  if (!shell) return;
  if (deployment != nullptr && !deployment->sink.empty() && outcome == AttemptOutcome::finished) {
    world_.note_staged(key, deployment->sink, shell.mapped().turns->end().staged);
  }
  shell.mapped().host->leave();
}

// ---- errands

void SimExecutor::errand(const ErrandKey& key, Errand errand) {
  if (dead_ || killed_at(KillPoint::errand_not_begun)) return;
  world_.trace("n{} begins {} '{}' of run {}", self_, to_string(errand.kind), key.vertex, key.run);
  if (errand.kind == ErrandKind::commit_sink) {
    if (world_.mutated(Mutation::commit_forgets_one) && !errand.committables.empty()) {
      errand.committables.pop_back();
    }
    if (world_.mutated(Mutation::commit_all_staged)) {
      errand.committables = world_.staged[sink_marker(errand.run_uid, errand.vertex)];
    }
  }
  const bool slow = !world_.calm() && world_.random.chance(1, 30);
  const Duration takes =
      slow ? world_.between(Duration(0), slow_errand_max) : world_.between(100us, 8ms);
  world_.loop.after(self_, takes,
                    [this, key, errand = std::move(errand)] { do_errand(key, errand); });
}

void SimExecutor::do_errand(const ErrandKey& key, const Errand& errand) {
  if (world_.storage_hangs(self_) && world_.random.chance(1, 3)) {
    ++world_.damage.errands_hung;
    world_.trace("n{} hangs in it", self_);
    return hang(key, errand);
  }
  end_errand(key, errand);
}

void SimExecutor::hang(const ErrandKey& key, const Errand& errand) {
  if (!world_.storage_hangs(self_)) return end_errand(key, errand);
  world_.loop.after(self_, hangs_at_least, [this, key, errand] { hang(key, errand); });
}

void SimExecutor::end_errand(const ErrandKey& key, const Errand& errand) {
  const bool commit = errand.kind == ErrandKind::commit_sink;
  if (commit && world_.mutated(Mutation::commit_answered_first)) {
    driver_.errand_over(key, {});
    return world_.loop.after(self_, world_.between(1ms, 100ms), [this, errand] {
      static_cast<void>(carry_out(errand, world_.planner()).ok());
    });
  }
  Result<> done = carry_out_here(errand);
  if (dead_) return;
  check_errand(key, done);
  world_.trace("n{} has done it: {}", self_, done ? "yes" : done.error().to_string());
  if (done && killed_at(KillPoint::errand_done_not_reported)) return;
  const bool commits = errand.kind == ErrandKind::commit_sink;
  if (commits && world_.mutated(Mutation::failed_commit_is_done)) done = {};
  if (commits && world_.mutated(Mutation::commit_not_reported) && world_.random.chance(1, 8)) {
    return;
  }
  world_.loop.after(self_, world_.between(100us, 2ms),
                    [this, key, done] { driver_.errand_over(key, done); });
}

/// Between any two of its calls to the disk the process may die, or another one do all of it.
Result<> SimExecutor::carry_out_here(const Errand& errand) {
  if (world_.storage_away()) return make_error(ErrorCode::unavailable, "the storage is away");
  if (world_.disk_full(self_) && world_.random.chance(1, 2)) {
    return node_fault(make_error(ErrorCode::unavailable, "this node does not reach the storage"));
  }
  const auto happens = [this, &errand](const std::string&) { return amid(errand); };
  world_.users_door().meanwhile(happens);
  Result<> done = carry_out(errand, world_.planner());
  world_.users_door().meanwhile({});
  return done;
}

Result<> SimExecutor::amid(const Errand& errand) {
  if (!dead_ && killed_at(KillPoint::amid_an_errand)) dead_ = true;
  if (dead_) return make_error(ErrorCode::unavailable, "the process is dead");
  const bool commits = errand.kind == ErrandKind::commit_sink;
  if (!commits || world_.calm() || world_.healed() || !world_.random.chance(1, 60)) return {};
  world_.trace("another executor commits '{}' at the same time", errand.vertex);
  ++world_.damage.commits_at_once;
  world_.users_door().meanwhile({});
  const Result<> other = carry_out(errand, world_.planner());
  world_.check(other || retryable(other.error().code), "of two commits the second one is refused");
  world_.users_door().meanwhile([this, &errand](const std::string&) { return amid(errand); });
  return {};
}

/// One that comes so late that its run is over may find nothing any more.
void SimExecutor::check_errand(const ErrandKey& key, const Result<>& done) const {
  if (done || retryable(done.error().code)) return;
  const auto run = world_.store.all_runs().find(key.run);
  const bool late = run != world_.store.all_runs().end() && ended(run->second.state);
  if (!late) world_.violation(done.error().to_string());
}

void SimExecutor::drop(const std::string& path) {
  if (dead_) return;
  const bool state = path.starts_with("/checkpoints/");
  if (state && killed_at(KillPoint::state_being_dropped)) return;
  world_.loop.after(self_, world_.between(10us, 2ms), [this, path] {
    const Result<> done = deployer_->kept().drop(path);
    if (!done) world_.trace("n{}: {} stays: {}", self_, path, done.error().to_string());
  });
}

void SimExecutor::refused(const executor_effect::RefuseCommand& refused) {
  ++world_.refused_commands;
  world_.trace("n{} refuses ({}): {}", self_, to_string(refused.refusal), refused.what);
}

void SimExecutor::expelled(const executor_effect::Expelled& expelled) {
  world_.check(expelled.highest != Incarnation(), "an executor was refused for good");
  be_reborn(expelled.highest);
}

// ---- kept partitions for other nodes

void SimExecutor::serve(NodeIndex peer, const Frame& frame) {
  if (killed_at(KillPoint::serving_a_partition)) return;
  const auto request = fetch_request_of(World::name_of(peer), frame);
  world_.check(request.ok(), "executors ask for partitions");
  const bool state = std::holds_alternative<WantedSnapshot>(request->what);
  if (state && killed_at(KillPoint::serving_state)) return;
  auto host = std::make_shared<SimTaskHost>(world_, self_);
  auto task = serving(*request, host);
  if (!task) return plane_->refuse_fetch(request->from, task.error());
  const std::uint64_t number = ++last_serving_;
  host->attach([this, number] { serve_on(number); });
  serving_.emplace(number, Serving{*request, host, TaskTurns({}, *std::move(task))});
  host->begin();
}

Result<std::shared_ptr<Task>> SimExecutor::serving(const FetchRequest& request,
                                                   std::shared_ptr<SimTaskHost> host) {
  const ServedFiles files{deployer_->kept(), deployer_->snapshots()};
  const Clock& clock = world_.clock_of(self_);
  FetchRequest what = request;
  auto* kept = std::get_if<KeptPartition>(&what.what);
  if (kept == nullptr) return serving_task(what, files, *plane_, std::move(host), clock);
  if (world_.mutated(Mutation::another_partition_served)) kept->partition = 0;
  // What did not reach the disk counts as kept: with the rows that are there, which are none.
  const bool missing = world_.mutated(Mutation::missing_input_is_empty) ||
                       world_.mutated(Mutation::failed_sync_ignored);
  if (!missing && !world_.mutated(Mutation::rot_not_seen)) {
    return serving_task(what, files, *plane_, std::move(host), clock);
  }
  auto rows = std::make_unique<PartitionFileReader>(
      files.kept.files(), files.kept.output(kept->producer, kept->edge), kept->partition);
  return serving_task(what,
                      std::make_unique<Lenient>(
                          std::move(rows), missing ? ErrorCode::not_found : ErrorCode::corrupt),
                      *plane_, std::move(host), clock);
}

void SimExecutor::serve_on(std::uint64_t number) {
  const auto found = serving_.find(number);
  if (found == serving_.end()) return;
  auto& [request, host, turns] = found->second;
  if (turns.turn()) return host->wake();
  if (!turns.ended() || host->away() > 0) return;
  if (turns.error()) plane_->refuse_fetch(request.from, *turns.error());
  host->leave();
  serving_.erase(found);
}

std::unique_ptr<Process> make_executor(World& world, NodeIndex self) {
  return std::make_unique<SimExecutor>(world, self);
}

}  // namespace troupe::sim
