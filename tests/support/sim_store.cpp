#include "tests/support/sim_store.hpp"

#include <algorithm>
#include <utility>

namespace troupe::sim {

Result<ClusterImage> Store::begin_term() {
  term_ = term_.next();
  ClusterImage image;
  image.cluster = cluster_;
  image.term = term_;
  if (!state_.runs.empty()) image.last_run = state_.runs.rbegin()->first;
  image.nodes = state_.nodes;
  for (const auto& [id, run] : state_.runs) {
    if (!ended(run.state)) image.runs.push_back(run);
    if (owes(id)) image.leftovers.push_back(leftover_of(run));
  }
  return image;
}

/// A conflict leaves half of a transaction behind, which a database would not: whoever gets one
/// must stop, and the simulation fails with it.
Result<std::vector<Looked>> Store::carry_out(const StoreSteps& steps) {
  std::vector<Looked> answers;
  for (const StoreStep& step : steps) {
    if (const auto* look = std::get_if<effect::Look>(&step)) {
      answers.push_back(look_up(*look));
      continue;
    }
    for (const Record& record : std::get<effect::Persist>(step).records) {
      const Result<> done = std::visit([this](const auto& each) { return apply(each); }, record);
      if (!done) return done.error().within(fmt::format("writing a {} record", name_of(record)));
    }
  }
  return answers;
}

Looked Store::look_up(const effect::Look& look) const {
  Looked found{look.look, {}, {}};
  if (const auto run = state_.keys.find(look.key); run != state_.keys.end()) {
    found.with_key = run->second;
  }
  if (look.resumes) {
    const auto run = state_.resumed.find(*look.resumes);
    if (run != state_.resumed.end()) found.resumed_by = run->second;
  }
  for (const RunUid& lineage : look.lineages) {
    std::optional<RunState> last;
    for (const auto& [id, run] : state_.runs) {
      if (run.made.marked_with() == lineage) last = run.state;
    }
    if (last == RunState::succeeded || last == RunState::cancelled) found.over.push_back(lineage);
  }
  if (!look.interval) return found;
  if (const auto run = state_.intervals.find(*look.interval); run != state_.intervals.end()) {
    found.of_interval = run->second;
  }
  return found;
}

Result<> Store::apply(const JobVersionRecord& record) {
  state_.versions[record.hash] = record;
  return {};
}

Result<> Store::apply(const RunRecord& record) {
  if (state_.runs.contains(record.run)) {
    return make_error(ErrorCode::conflict, "run {} exists", record.run);
  }
  if (!record.key.empty() && !state_.keys.emplace(record.key, record.run).second) {
    return make_error(ErrorCode::conflict, "key '{}' exists", record.key);
  }
  const RunInterval interval{record.job, record.interval, record.generation};
  if (!record.interval.empty() && !state_.intervals.emplace(interval, record.run).second) {
    return make_error(ErrorCode::conflict, "interval '{}' of {} exists", record.interval,
                      record.job);
  }
  if (record.resumes && !state_.resumed.emplace(*record.resumes, record.run).second) {
    return make_error(ErrorCode::conflict, "run {} is resumed already", *record.resumes);
  }
  RunImage& run = state_.runs[record.run];
  run.made = record;
  run.plan = state_.versions.at(record.hash).plan;
  return {};
}

Result<> Store::apply(const RunStateRecord& record) {
  RunImage& run = state_.runs.at(record.run);
  if (run.state != record.from) {
    return make_error(ErrorCode::conflict, "run {} is {}, not {}", record.run, to_string(run.state),
                      to_string(record.from));
  }
  run.state = record.to;
  run.cause = record.cause;
  return {};
}

Result<> Store::apply(const SplitsRecord& record) {
  state_.runs.at(record.run).splits = record.splits;
  return {};
}

Result<> Store::apply(const AttemptRecord& record) {
  auto& attempts = state_.runs.at(record.key.run).attempts;
  if (!attempts.empty() && attempts.back().made.key.attempt >= record.key.attempt) {
    return make_error(ErrorCode::conflict, "attempt {} of run {} is not new", record.key.attempt,
                      record.key.run);
  }
  attempts.push_back({record, AttemptState::deploying, {}});
  return {};
}

const AttemptImage* Store::attempt(const AttemptKey& key) const {
  const auto run = state_.runs.find(key.run);
  if (run == state_.runs.end()) return nullptr;
  const auto& attempts = run->second.attempts;
  const auto found = std::lower_bound(
      attempts.begin(), attempts.end(), key.attempt,
      [](const AttemptImage& image, Attempt attempt) { return image.made.key.attempt < attempt; });
  return found != attempts.end() && found->made.key == key ? &*found : nullptr;
}

Result<AttemptImage*> Store::find(const AttemptKey& key) {
  const AttemptImage* found = attempt(key);
  if (found == nullptr) {
    return make_error(ErrorCode::conflict, "no attempt {} of task {}", key.attempt, key.task);
  }
  return const_cast<AttemptImage*>(found);
}

Result<> Store::apply(const AttemptStateRecord& record) {
  AttemptImage* image = TRY(find(record.key));
  if (image->state != record.from) {
    return make_error(ErrorCode::conflict, "attempt {} of task {} is {}, not {}",
                      record.key.attempt, record.key.task, to_string(image->state),
                      to_string(record.from));
  }
  image->state = record.to;
  return {};
}

Result<> Store::apply(const AttemptResultRecord& record) {
  AttemptImage* image = TRY(find(record.key));
  image->result = record;
  return {};
}

namespace {

std::vector<EpochImage>::iterator epoch_of(RunImage& run, Epoch number) {
  return std::find_if(run.epochs.begin(), run.epochs.end(),
                      [&](const EpochImage& epoch) { return epoch.epoch == number; });
}

}  // namespace

Result<> Store::apply(const EpochRecord& record) {
  RunImage& run = state_.runs.at(record.run);
  const auto found = epoch_of(run, record.epoch);
  const std::optional<EpochState> now =
      found == run.epochs.end() ? std::nullopt : std::optional(found->state);
  if (now != record.from) {
    return make_error(ErrorCode::conflict, "epoch {} of run {} is not what was expected",
                      record.epoch, record.run);
  }
  if (found == run.epochs.end()) {
    run.epochs.push_back({record.epoch, record.to});
    return {};
  }
  found->state = record.to;
  if (record.to == EpochState::committed && found->manifest) {
    run.rows_committed += rows_of(found->manifest->sinks);
  }
  return {};
}

Result<> Store::apply(const ManifestRecord& record) {
  RunImage& run = state_.runs.at(record.run);
  const auto found = epoch_of(run, record.epoch);
  if (found == run.epochs.end() || found->state != EpochState::started) {
    return make_error(ErrorCode::conflict, "epoch {} of run {} is not STARTED", record.epoch,
                      record.run);
  }
  found->manifest = record.manifest;
  return {};
}

Result<> Store::apply(const InheritRecord& record) {
  const RunImage& from = state_.runs.at(record.from);
  RunImage& run = state_.runs.at(record.run);
  run.splits = from.splits;
  run.epochs = from.epochs;
  run.halted_before = from.halted_before;
  if (from.state == RunState::halted) run.halted_before.push_back(leftover_of(from));
  return {};
}

Result<> Store::apply(const ForgetEpochsRecord& record) {
  RunImage& run = state_.runs.at(record.run);
  for (EpochImage& epoch : run.epochs) {
    if (epoch.epoch < record.manifests_below) epoch.manifest.reset();
  }
  std::erase_if(run.epochs,
                [&](const EpochImage& epoch) { return epoch.epoch < record.rows_below; });
  return {};
}

Result<> Store::apply(const NodeRecord& record) {
  NodeRecord& node = state_.nodes[record.node];
  if (record.incarnation < node.incarnation) {
    return make_error(ErrorCode::conflict, "incarnation {} of node {} after {}", record.incarnation,
                      record.node, node.incarnation);
  }
  node = record;
  return {};
}

Result<> Store::apply(const RunCleanedRecord& record) {
  state_.cleaned.insert(record.run);
  return {};
}

bool Store::owes(RunId run) const {
  const RunState state = state_.runs.at(run).state;
  return ended(state) && state != RunState::halted && !state_.cleaned.contains(run);
}

Leftover Store::leftover_of(const RunImage& run) {
  Leftover leftover{run.made.run, run.made.uid, run.plan};
  for (const AttemptImage& attempt : run.attempts) {
    const bool may_write =
        attempt.state == AttemptState::killed || attempt.state == AttemptState::superseded;
    if (may_write) leftover.away.emplace(attempt.made.node, attempt.made.incarnation);
  }
  return leftover;
}

Result<> Store::apply(const EventRecord& record) {
  events_.push_back({events_.size() + 1, WallTime(), record});
  return {};
}

Result<StoredRun> Store::run(RunId run) {
  const auto found = state_.runs.find(run);
  if (found == state_.runs.end())
    return make_error(ErrorCode::not_found, "there is no run {}", run);
  return StoredRun{found->second, {}};
}

RunSummary Store::summary_of(const RunImage& run) {
  RunSummary summary{run.made, run.state, run.cause, {}, {.tasks = run.made.tasks}};
  for (const AttemptImage& attempt : run.attempts) {
    summary.counts.tasks_finished += attempt.state == AttemptState::finished;
    summary.counts.task_restarts += attempt.made.again;
  }
  return summary;
}

JobSummary Store::summary_of(const JobVersionRecord& version) {
  return {version.job, version.hash, WallTime(), {}, {}};
}

Result<RunSummary> Store::run_summary(RunId run) {
  const StoredRun stored = TRY(this->run(run));
  return summary_of(stored.image);
}

Result<std::vector<RunSummary>> Store::runs(const std::optional<JobName>& job,
                                            std::optional<RunId> before, std::uint32_t limit) {
  std::vector<RunSummary> all;
  for (auto run = state_.runs.rbegin(); run != state_.runs.rend() && all.size() < limit; ++run) {
    if (before && run->first >= *before) continue;
    if (!job || run->second.made.job == *job) all.push_back(summary_of(run->second));
  }
  return all;
}

Result<std::vector<JobSummary>> Store::jobs(const JobName& after, std::uint32_t limit) {
  std::vector<JobSummary> all;
  for (const auto& [hash, version] : state_.versions) {
    if (after < version.job && all.size() < limit) all.push_back(summary_of(version));
  }
  return all;
}

Result<StoredJob> Store::job(const JobName& job) {
  for (const auto& [hash, version] : state_.versions) {
    if (version.job != job) continue;
    return StoredJob{summary_of(version), version.plan, version.descriptor};
  }
  return make_error(ErrorCode::not_found, "there is no job '{}'", job);
}

Result<std::vector<StoredEpoch>> Store::epochs(RunId run, std::uint32_t limit) {
  std::vector<StoredEpoch> some;
  const auto& all = state_.runs.at(run).epochs;
  for (auto each = all.rbegin(); each != all.rend() && some.size() < limit; ++each) {
    some.push_back({.epoch = each->epoch, .state = each->state});
  }
  return some;
}

Result<std::vector<StoredEvent>> Store::events(const std::optional<RunId>& run,
                                               std::uint64_t sequence, std::uint32_t limit) {
  std::vector<StoredEvent> some;
  for (const StoredEvent& event : events_) {
    if (event.sequence <= sequence || some.size() >= limit) continue;
    if (!run || event.event.run == *run) some.push_back(event);
  }
  return some;
}

}  // namespace troupe::sim
