#include "runtime/coordinator/run_work.hpp"

#include "runtime/operator/sink.hpp"

#include <utility>

namespace troupe {
namespace {

using namespace coordinator_event;

// ---- what is done

/// The task graph with its splits: those given, or what the sources say now.
Result<TaskGraph> plan(const effect::PlanTasks& work, Planner& planner) {
  TaskGraph tasks = TRY(planner.derive(*work.plan, work.target))->tasks;
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

Result<> commit(const effect::CommitSink& work, Planner& planner) {
  const auto derived = TRY(planner.derive(*work.plan));
  for (const Stage& stage : derived->tasks.stages) {
    for (const ChainLink& link : stage.chain) {
      if (link.vertex != work.vertex || !link.phase.make_sink) continue;
      return TRY(link.phase.make_sink())->commit(work.marker, work.committables);
    }
  }
  return make_error(ErrorCode::internal, "the plan has no sink '{}'", work.vertex);
}

/// Every sink removes what this run staged and nothing committed, also where another one cannot.
Result<> clean_up(const effect::CleanUpSinks& work, Planner& planner) {
  const auto derived = TRY(planner.derive(*work.plan));
  Result<> outcome;
  for (const Stage& stage : derived->tasks.stages) {
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

CoordinatorEvent told(const effect::PlanTasks& work, Planner& planner) {
  auto graph = plan(work, planner);
  if (!graph) return failed(work, std::move(graph).error());
  return Planned{work.run, *std::move(graph)};
}

CoordinatorEvent told(const effect::CommitSink& work, Planner& planner) {
  const auto done = commit(work, planner);
  if (!done) return failed(work, done.error());
  return SinkCommitted{work.run, work.vertex};
}

CoordinatorEvent told(const effect::CleanUpSinks& work, Planner& planner) {
  const auto done = clean_up(work, planner);
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

CoordinatorEvent carry_out(const RunWork& work, Planner& planner) {
  return std::visit([&](const auto& each) { return told(each, planner); }, work);
}

CoordinatorEvent failed(const RunWork& work, Error reason) {
  return std::visit([&](const auto& each) { return told_failed(each, std::move(reason)); }, work);
}

}  // namespace troupe
