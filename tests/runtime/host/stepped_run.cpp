#include "tests/runtime/host/stepped_run.hpp"

#include "tests/support/catch.hpp"

namespace troupe {
namespace {

const NodeId here("here");

}  // namespace

SteppedRun::SteppedRun(const TaskGraph& graph, std::uint64_t seed, SteppedRunOptions options)
    : random_(seed),
      run_(DeployedRun::of(std::make_shared<const TaskGraph>(graph), options.memory_bytes)),
      options_(std::move(options)),
      kept_(*options_.files, options_.directory),
      snapshots_(*options_.files, options_.directory + "/checkpoints"),
      site_{here, kept_, exchange_, nullptr, clock_, options_.channels, &snapshots_} {
  all_to_deploy();
  deploy();
}

void SteppedRun::all_to_deploy() {
  for (const Stage& stage : run_->graph().stages) {
    for (std::uint32_t i = 0; i < stage.parallelism; ++i) to_deploy_.insert({stage.id, i});
  }
}

bool SteppedRun::takes_part(StageId id) const {
  const TaskGraph& graph = run_->graph();
  const Phase& first = graph.stage(id).chain.front().phase;
  bool stream = first.make_source && first.flow(0).stream;
  for (const TaskEdge& edge : graph.edges) stream = stream || (edge.to == id && edge.flow.stream);
  return options_.epochs && stream;
}

DeployTask SteppedRun::deployment_of(TaskId id) const {
  const TaskGraph& graph = run_->graph();
  DeployTask deploy;
  deploy.token.run = options_.run;
  deploy.token.task = id;
  deploy.token.attempt = attempt_;
  deploy.epochs.takes_part = takes_part(id.stage);
  if (deploy.epochs.takes_part) deploy.epochs.restore = published_;
  if (manifest_.contains(id)) deploy.epochs.files = manifest_.at(id).files;
  deploy.run_uid = RunUid(fmt::format("run-{}", options_.run));
  const Stage& stage = graph.stage(id.stage);
  if (!stage.splits.empty()) deploy.splits = stage.splits.at(id.subtask);
  for (std::uint32_t i = 0; i < graph.edges.size(); ++i) {
    const TaskEdge& edge = graph.edges[i];
    const auto peers = [&](StageId other) {
      EdgePeers all{i, {}};
      for (std::uint32_t n = 0; n < graph.stage(other).parallelism; ++n) {
        all.peers.push_back({{other, n}, attempt_, here});
      }
      return all;
    };
    if (edge.to == id.stage) deploy.inputs.push_back(peers(edge.from));
    if (edge.from == id.stage) deploy.outputs.push_back(peers(edge.to));
  }
  return deploy;
}

bool SteppedRun::may_begin(TaskId id) const {
  const TaskGraph& graph = run_->graph();
  for (const TaskEdge& edge : graph.edges) {
    if (edge.to != id.stage || !edge.blocking) continue;
    for (std::uint32_t from : producers_of(graph, edge, id.subtask)) {
      if (!done_.contains({edge.from, from})) return false;
    }
  }
  return true;
}

void SteppedRun::deploy() {
  std::erase_if(to_deploy_, [&](TaskId id) {
    if (!may_begin(id)) return false;
    auto host = hosts_[id] = std::make_shared<ManualHost>();
    deployed_.emplace(id, Deployment::make(deployment_of(id), run_, host, site_).value());
    host->wake();
    return true;
  });
}

bool SteppedRun::step() {
  std::vector<std::pair<TaskId, int>> choices;  // -1: the task itself, else an offloaded work
  for (auto& [id, host] : hosts_) {
    if (host->woken && deployed_.contains(id)) choices.push_back({id, -1});
    for (std::size_t i = 0; i < host->offloaded.size(); ++i) {
      choices.push_back({id, static_cast<int>(i)});
    }
  }
  if (choices.empty()) return false;
  const auto [id, work] = choices[random_.below(choices.size())];
  if (work < 0) {
    run_task(id);
    return true;
  }
  auto& offloaded = hosts_.at(id)->offloaded;
  auto call = std::move(offloaded[static_cast<std::size_t>(work)]);
  offloaded.erase(offloaded.begin() + work);
  thread_.play_io(call);
  return true;
}

void SteppedRun::run_task(TaskId id) {
  hosts_.at(id)->woken = false;
  Task& task = *deployed_.at(id).task;
  const auto progress = task.run({static_cast<int>(1 + random_.below(4)), 1s});
  hear(id, task.news());
  if (progress == Progress::worked) hosts_.at(id)->wake();
  if (progress != Progress::failed && progress != Progress::done) return;
  if (progress == Progress::failed) errors_.push_back(task.error());
  if (progress == Progress::done) {
    for (auto& staged : task.staged()) {
      // The last barrier may have come before its epoch was published.
      if (staged.epoch > published_) staged_[id.stage].push_back(staged);
    }
    done_.insert(id);
  }
  deployed_.erase(id);
  deploy();
}

int SteppedRun::run() {
  int steps = 0;
  while (step()) ++steps;
  return steps;
}

void SteppedRun::commit() { commit(begun_.next(), std::move(staged_)); }

void SteppedRun::commit(Epoch epoch, std::map<StageId, std::vector<Committable>> staged) {
  for (const Stage& stage : run_->graph().stages) {
    const auto sink = run_->objects(stage.id).value().sink;
    const std::string& vertex = stage.chain.back().vertex;
    const RunUid uid(fmt::format("run-{}", options_.run));
    if (sink) sink->commit({sink_marker(uid, vertex), epoch, published_}, staged[stage.id]).value();
  }
}

// ---- epochs

void SteppedRun::hear(TaskId id, TaskNews news) {
  if (news.exhausted) {
    INFO("a task tells it once");
    REQUIRE(exhausted_.insert(id).second);
  }
  for (auto& [epoch, snapshot] : news.saved) {
    REQUIRE(epoch <= begun_);
    if (epoch == begun_) acknowledged_[id] = std::move(snapshot);
  }
}

void SteppedRun::begin_epoch() {
  begun_ = begun_.next();
  acknowledged_.clear();
  for (auto& [id, deployment] : deployed_) deployment.task->snapshot({begun_, published_});
}

bool SteppedRun::acknowledged() const {
  std::size_t all = 0;
  for (const Stage& stage : run_->graph().stages) {
    all += takes_part(stage.id) ? stage.parallelism : 0;
  }
  return acknowledged_.size() == all;
}

void SteppedRun::publish() {
  REQUIRE(acknowledged());
  std::map<StageId, std::vector<Committable>> staged;
  for (const auto& [id, snapshot] : acknowledged_) {
    REQUIRE(snapshot.files.size() <= snapshot_files_max);
    auto& all = staged[id.stage];
    for (const Committable& one : snapshot.committables) {
      REQUIRE(one.epoch > published_);
      REQUIRE(one.epoch <= begun_);
      all.push_back(one);
    }
  }
  commit(begun_, std::move(staged));
  published_ = begun_;
  manifest_ = acknowledged_;
}

bool SteppedRun::exhausted() const {
  std::size_t all = 0;
  for (const Stage& stage : run_->graph().stages) {
    const bool source = static_cast<bool>(stage.chain.front().phase.make_source);
    all += source && takes_part(stage.id) ? stage.parallelism : 0;
  }
  return exhausted_.size() == all;
}

void SteppedRun::end_sources() {
  for (auto& [id, deployment] : deployed_) deployment.task->end_sources();
}

void SteppedRun::restart() {
  deployed_.clear();
  // What is offloaded keeps its host.
  for (auto& [id, host] : hosts_) host->offloaded.clear();
  hosts_.clear();
  done_.clear();
  staged_.clear();
  acknowledged_.clear();
  exhausted_.clear();
  attempt_ = attempt_.next();
  all_to_deploy();
  deploy();
}

void SteppedRun::run_to_end() {
  run();
  INFO((errors_.empty() ? "" : errors_.front().to_string()));
  REQUIRE(errors_.empty());
  REQUIRE(finished());
}

}  // namespace troupe
