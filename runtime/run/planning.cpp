#include "runtime/run/planning.hpp"

#include <utility>

namespace troupe {

void Planning::on(const run_event::PlanFailed& event) {
  const FailureClass failure =
      retryable(event.error.code) ? FailureClass::resource : FailureClass::user_error;
  const RestartDecision again = run_.policy.on_failure(failure, run_.now, run_.random.next());
  if (!again.restart) return run_.fail(event.error);
  run_.say(log::Level::warn,
           fmt::format("planning failed, to be tried again: {}", event.error.to_string()));
  again_at_ = run_.now + again.delay;
}

void Planning::on(const run_event::Tick& event) {
  RunPhase::on(event);
  if (!again_at_ || *again_at_ > run_.now) return;
  again_at_.reset();
  run_.plan();
}

void Planning::on(const run_event::Planned& event) {
  auto topology = TaskTopology::make(event.graph);
  if (!topology) return run_.fail(topology.error());
  run_.topology = std::make_unique<TaskTopology>(*std::move(topology));
  if (run_.state == RunState::starting) return begin();
  run_.say(log::Level::warn, "another coordinator goes on with it");
}

void Planning::begin() {
  const TaskTopology& topology = *run_.topology;
  if (!run_.splits) {
    run_.splits.emplace();
    for (const Stage& stage : topology.graph().stages) run_.splits->push_back(stage.splits);
    run_.decision.persist(SplitsRecord{run_.id(), *run_.splits});
  }
  if (!run_.streams()) run_.epochs.begin(run_.decision);
  run_.set_state(RunState::running);
  run_.began = run_.now;
  const std::string how = run_.made.resumes
                              ? fmt::format("goes on from epoch {}, where run {} was",
                                            run_.epochs.published(), *run_.made.resumes)
                              : "begins";
  run_.say(
      log::Level::info,
      fmt::format("{}: {} in {}", how,
                  count_of(static_cast<std::int64_t>(topology.tasks().size()), "task"),
                  count_of(static_cast<std::int64_t>(topology.graph().stages.size()), "stage")));
}

}  // namespace troupe
