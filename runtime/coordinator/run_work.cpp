#include "runtime/coordinator/run_work.hpp"

#include "runtime/operator/sink.hpp"

#include <utility>

namespace troupe {
namespace {

using namespace coordinator_event;

// ---- what is done

Result<TaskGraph> plan_one_task_each(const std::string& plan, const OperatorRegistry& registry) {
  const JobGraph graph = TRY(decode_plan(plan));
  return plan_tasks(graph, registry, PlanTarget{1, false});
}

/// The task graph with its splits: those given, or what the sources say now.
Result<TaskGraph> plan(const effect::PlanTasks& work, const OperatorRegistry& registry) {
  const JobGraph graph = TRY(decode_plan(*work.plan));
  TaskGraph tasks = TRY(plan_tasks(graph, registry, work.target));
  if (!work.splits) {
    TRY(assign_splits(tasks));
    return tasks;
  }
  const Splits& splits = *work.splits;
  if (splits.size() != tasks.stages.size()) {
    return make_error(ErrorCode::corrupt, "the stored splits are of {} stages, the plan has {}",
                      splits.size(), tasks.stages.size());
  }
  for (std::size_t i = 0; i < splits.size(); ++i) tasks.stages[i].splits = splits[i];
  return tasks;
}

Result<> commit(const effect::CommitSink& work, const OperatorRegistry& registry) {
  const TaskGraph tasks = TRY(plan_one_task_each(*work.plan, registry));
  for (const Stage& stage : tasks.stages) {
    for (const ChainLink& link : stage.chain) {
      if (link.vertex != work.vertex || !link.phase.make_sink) continue;
      return TRY(link.phase.make_sink())->commit(work.marker, work.committables);
    }
  }
  return make_error(ErrorCode::internal, "the plan has no sink '{}'", work.vertex);
}

/// Every sink removes what this run staged and nothing committed, also where another one cannot.
Result<> clean_up(const effect::CleanUpSinks& work, const OperatorRegistry& registry) {
  const TaskGraph tasks = TRY(plan_one_task_each(*work.plan, registry));
  Result<> outcome;
  for (const Stage& stage : tasks.stages) {
    for (const ChainLink& link : stage.chain) {
      if (!link.phase.make_sink) continue;
      auto sink = link.phase.make_sink();
      const Result<> done =
          sink ? (*sink)->clean_up(sink_marker(work.uid, link.vertex)) : Result<>(sink.error());
      if (!done && outcome) outcome = done;
    }
  }
  return outcome;
}

// ---- what is told of it

CoordinatorEvent told(const effect::PlanTasks& work, const OperatorRegistry& registry) {
  auto graph = plan(work, registry);
  if (!graph) return failed(work, std::move(graph).error());
  return Planned{work.run, *std::move(graph)};
}

CoordinatorEvent told(const effect::CommitSink& work, const OperatorRegistry& registry) {
  const auto done = commit(work, registry);
  if (!done) return failed(work, done.error());
  return SinkCommitted{work.run, work.vertex};
}

CoordinatorEvent told(const effect::CleanUpSinks& work, const OperatorRegistry& registry) {
  const auto done = clean_up(work, registry);
  if (!done) return failed(work, done.error());
  return CleanedUp{work.run};
}

CoordinatorEvent told_failed(const effect::PlanTasks& work, Error reason) {
  return PlanFailed{work.run, std::move(reason)};
}
CoordinatorEvent told_failed(const effect::CommitSink& work, Error reason) {
  return SinkCommitFailed{work.run, work.vertex, std::move(reason)};
}
CoordinatorEvent told_failed(const effect::CleanUpSinks& work, Error reason) {
  return CleanUpFailed{work.run, std::move(reason)};
}

}  // namespace

CoordinatorEvent carry_out(const RunWork& work, const OperatorRegistry& registry) {
  return std::visit([&](const auto& each) { return told(each, registry); }, work);
}

CoordinatorEvent failed(const RunWork& work, Error reason) {
  return std::visit([&](const auto& each) { return told_failed(each, std::move(reason)); }, work);
}

std::uint32_t tasks_of_plan(const std::string& plan, const OperatorRegistry& registry,
                            const PlanTarget& target) {
  const auto graph = decode_plan(plan);
  return graph ? tasks_of_graph(*graph, registry, target) : 0;
}

std::uint32_t tasks_of_graph(const JobGraph& graph, const OperatorRegistry& registry,
                             const PlanTarget& target) {
  const auto tasks = plan_tasks(graph, registry, target);
  if (!tasks) return 0;
  std::uint32_t count = 0;
  for (const Stage& stage : tasks->stages) count += stage.parallelism;
  return count;
}

}  // namespace troupe
