#include "runtime/coordinator/resumption.hpp"

#include "runtime/graph/goes_on.hpp"

#include <utility>

namespace troupe {
namespace {

Result<> check_state(const RunImage& from) {
  const RunId run = from.made.run;
  if (!from.made.checkpoint) {
    Error error = make_error(ErrorCode::unsupported,
                             "run {} is of a batch job, which has nothing to go on from", run);
    error.hint = "run the job again";
    return error;
  }
  if (resumable(from.state)) return {};
  if (!ended(from.state)) {
    return make_error(ErrorCode::conflict, "run {} is {}, and goes on by itself", run,
                      to_string(from.state));
  }
  Error error =
      make_error(ErrorCode::conflict, "run {} has {}: its state is not there any more", run,
                 from.state == RunState::succeeded ? "come to its end" : "been cancelled");
  error.hint = "start a new run; `troupe stop` ends one so that it can be resumed";
  return error;
}

/// The tasks stay as many as they were, unless the job says how many.
PlanTarget target_of(const RunRecord& before, const JobGraph& now) {
  PlanTarget target = before.target;
  if (now.settings.parallelism) target.parallelism = *now.settings.parallelism;
  return target;
}

Error changed(RunId run, Error why) {
  why.message = fmt::format("run {} cannot be resumed as the job is now: {}", run, why.message);
  why.hint = "apply the job as that run had it, or start a new run, which begins anew";
  return why;
}

}  // namespace

Result<Submission> resumption(std::shared_ptr<const RunImage> from,
                              std::shared_ptr<const std::string> plan, Planner& planner) {
  TRY(check_state(*from));
  const JobGraph job = TRY(decode_plan(*plan));
  Submission next;
  next.job = job.name;
  next.plan = std::move(plan);
  next.hash = plan_hash(job);
  next.settings = job.settings;
  next.target = target_of(from->made, job);
  const auto now = TRY(planner.derive(*next.plan, next.target));
  const auto before = TRY(planner.derive(*from->plan, from->made.target));
  const Result<> fits = check_goes_on(*before, *now);
  if (!fits) return changed(from->made.run, fits.error());
  next.tasks = planner.count_tasks(*next.plan, next.target);
  next.resumes = std::move(from);
  return next;
}

}  // namespace troupe
