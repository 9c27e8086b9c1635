#include "runtime/coordinator/submissions.hpp"

#include <utility>

namespace troupe {
namespace {

RunInterval interval_of(const RunRecord& run) { return {run.job, run.interval, run.generation}; }

template <class Key>
std::optional<RunId> find(const std::map<Key, RunId>& runs, const Key& key) {
  const auto found = runs.find(key);
  return found == runs.end() ? std::nullopt : std::optional(found->second);
}

}  // namespace

std::optional<RunInterval> Submission::of_interval() const {
  if (interval.empty()) return std::nullopt;
  return RunInterval{job, interval, generation};
}

Result<effect::Look> Submissions::ask(std::uint64_t request, Submission submission) {
  if (waiting_.size() >= looks_max) {
    return make_error(ErrorCode::unavailable,
                      "{} submissions wait for the metadata, the limit; try again", looks_max);
  }
  effect::Look look{next_look(), submission.key, submission.of_interval()};
  if (submission.resumes) look.resumes = submission.resumes->made.run;
  waiting_.emplace(look.look, Waiting{request, std::move(submission)});
  return look;
}

std::optional<Submissions::Answered> Submissions::answered(const Looked& looked) {
  auto waiting = waiting_.extract(looked.look);
  if (!waiting) return std::nullopt;
  Answered answer{std::move(waiting.mapped()), looked.with_key, looked.of_interval,
                  looked.resumed_by};
  const Submission& submission = answer.waiting.submission;
  if (!answer.with_key) answer.with_key = find(keys_, submission.key);
  const auto interval = submission.of_interval();
  if (interval && !answer.of_interval) answer.of_interval = find(intervals_, *interval);
  if (submission.resumes && !answer.resumed_by) {
    answer.resumed_by = find(resumed_, submission.resumes->made.run);
  }
  return answer;
}

void Submissions::made(const RunRecord& run, std::uint64_t ticket) {
  const RunInterval interval = interval_of(run);
  if (!run.key.empty()) keys_.emplace(run.key, run.run);
  if (!run.interval.empty()) intervals_.emplace(interval, run.run);
  if (run.resumes) resumed_.emplace(*run.resumes, run.run);
  on_their_way_.push_back({ticket, run.key, interval, run.resumes});
}

void Submissions::durable(std::uint64_t ticket) {
  while (!on_their_way_.empty() && on_their_way_.front().ticket <= ticket) {
    keys_.erase(on_their_way_.front().key);
    intervals_.erase(on_their_way_.front().interval);
    if (const auto& resumes = on_their_way_.front().resumes) resumed_.erase(*resumes);
    on_their_way_.pop_front();
  }
}

}  // namespace troupe
