#include "tests/runtime/host/stepped_run.hpp"

#include "runtime/os/own_files.hpp"

namespace troupe {

namespace {

LocalPlanOptions on_a_disk(LocalPlanOptions options) {
  if (options.files == nullptr) options.files = &own_files();
  return options;
}

}  // namespace

SteppedRun::SteppedRun(const TaskGraph& graph, std::uint64_t seed, LocalPlanOptions options)
    : random_(seed),
      plan_(LocalPlan::make(
                graph, [this](TaskId id) { return hosts_[id] = std::make_shared<ManualHost>(); },
                on_a_disk(std::move(options)), clock_)
                .value()) {
  for (auto& [id, host] : hosts_) host->wake();
}

bool SteppedRun::step() {
  std::vector<std::pair<TaskId, int>> choices;  // -1: the task itself, else an offloaded work
  for (auto& [id, host] : hosts_) {
    if (host->woken && plan_.tasks.contains(id)) choices.push_back({id, -1});
    for (std::size_t i = 0; i < host->offloaded.size(); ++i) {
      choices.push_back({id, static_cast<int>(i)});
    }
  }
  if (choices.empty()) return false;
  auto [id, work] = choices[random_.below(choices.size())];
  if (work < 0) return run_task(id);
  auto& offloaded = hosts_.at(id)->offloaded;
  auto call = std::move(offloaded[static_cast<std::size_t>(work)]);
  offloaded.erase(offloaded.begin() + work);
  thread_.play_io(call);
  return true;
}

bool SteppedRun::run_task(TaskId id) {
  hosts_.at(id)->woken = false;
  auto& task = plan_.tasks.at(id);
  auto progress = task->run({static_cast<int>(1 + random_.below(4)), 1s});
  if (progress == Progress::worked) hosts_.at(id)->wake();
  if (progress == Progress::failed) errors_.push_back(task->error());
  if (progress == Progress::done) {
    for (auto& staged : task->staged()) staged_[id.stage].push_back(staged);
  }
  if (progress == Progress::failed || progress == Progress::done) plan_.tasks.erase(id);
  return true;
}

int SteppedRun::run() {
  int steps = 0;
  while (step()) ++steps;
  return steps;
}

void SteppedRun::cancel() {
  for (auto& [id, task] : plan_.tasks) task->cancel();
}

void SteppedRun::commit() {
  for (auto& [stage, objects] : plan_.objects) {
    if (objects.sink) objects.sink->commit(plan_.marker(stage), staged_[stage]).value();
  }
}

}  // namespace troupe
