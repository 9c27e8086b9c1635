#include "actors/coordinator/run_work.hpp"

#include "runtime/operator/sink.hpp"

namespace troupe {
namespace {

Result<TaskGraph> plan_one_task_each(const std::string& plan, const OperatorRegistry& registry) {
  const JobGraph graph = TRY(decode_plan(plan));
  return plan_tasks(graph, registry, PlanTarget{1, false});
}

}  // namespace

Result<TaskGraph> plan_run(const std::string& plan, const OperatorRegistry& registry,
                           const PlanTarget& target, const std::optional<Splits>& splits) {
  const JobGraph graph = TRY(decode_plan(plan));
  TaskGraph tasks = TRY(plan_tasks(graph, registry, target));
  if (!splits) {
    TRY(assign_splits(tasks));
    return tasks;
  }
  if (splits->size() != tasks.stages.size()) {
    return fail(ErrorCode::corrupt, "the stored splits are of {} stages, the plan has {}",
                splits->size(), tasks.stages.size());
  }
  for (std::size_t i = 0; i < splits->size(); ++i) tasks.stages[i].splits = (*splits)[i];
  return tasks;
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

Result<> commit_sink(const std::string& plan, const OperatorRegistry& registry,
                     const std::string& vertex, const std::string& marker,
                     const std::vector<Committable>& committables) {
  const TaskGraph tasks = TRY(plan_one_task_each(plan, registry));
  for (const Stage& stage : tasks.stages) {
    for (const ChainLink& link : stage.chain) {
      if (link.vertex != vertex || !link.phase.make_sink) continue;
      return TRY(link.phase.make_sink())->commit(marker, committables);
    }
  }
  return fail(ErrorCode::internal, "the plan has no sink '{}'", vertex);
}

Result<> clean_up_sinks(const std::string& plan, const OperatorRegistry& registry,
                        const RunUid& run) {
  const TaskGraph tasks = TRY(plan_one_task_each(plan, registry));
  Result<> outcome;
  for (const Stage& stage : tasks.stages) {
    for (const ChainLink& link : stage.chain) {
      if (!link.phase.make_sink) continue;
      auto sink = link.phase.make_sink();
      const Result<> done =
          sink ? (*sink)->clean_up(sink_marker(run, link.vertex)) : Result<>(sink.error());
      if (!done && outcome) outcome = done;
    }
  }
  return outcome;
}

}  // namespace troupe
