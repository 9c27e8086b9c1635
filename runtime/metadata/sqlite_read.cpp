#include "runtime/decision/column_codec.hpp"
#include "runtime/metadata/counters_text.hpp"
#include "runtime/metadata/sqlite_rows.hpp"

namespace troupe {
namespace {

/// `made_from` and `summary_from` read these by their positions: add new ones at the end.
constexpr std::string_view run_columns =
    "r.run, r.job, r.hash, r.interval, r.generation, r.run_attempt, r.key, r.parallelism,"
    " r.keep_blocking_edges, r.restart_attempts, r.restart_window_ns, r.restart_initial_ns,"
    " r.restart_max_ns, r.memory_bytes, r.uid, r.state, r.cause_code, r.cause_message,"
    " r.cause_hint, r.submitted_at, r.started_at, r.finished_at, r.tasks, r.tasks_finished,"
    " r.task_restarts, r.rows_committed, r.checkpoint_every_ns, r.checkpoint_timeout_ns,"
    " r.checkpoint_keep, r.checkpoint_directory, r.lineage, r.resumes, r.checkpoint_copies_min";

WallTime wall_time(std::int64_t micros) { return WallTime(WallTime::duration(micros)); }

std::uint64_t unsigned_of(std::int64_t number) { return static_cast<std::uint64_t>(number); }

std::int64_t signed_of(std::uint64_t number) { return static_cast<std::int64_t>(number); }

std::uint32_t count_of(std::int64_t number) { return static_cast<std::uint32_t>(number); }

RunRecord made_from(const SqliteStatement& row) {
  RunRecord made;
  made.run = RunId(unsigned_of(row.integer(0)));
  made.job = JobName(row.text(1));
  made.hash = row.text(2);
  made.interval = row.text(3);
  made.generation = unsigned_of(row.integer(4));
  made.run_attempt = Attempt(unsigned_of(row.integer(5)));
  made.key = row.text(6);
  made.target.parallelism = count_of(row.integer(7));
  made.target.keep_blocking_edges = row.integer(8) != 0;
  made.restart.attempts = count_of(row.integer(9));
  made.restart.window = Duration(row.integer(10));
  made.restart.initial_delay = Duration(row.integer(11));
  made.restart.max_delay = Duration(row.integer(12));
  made.memory_bytes = row.integer(13);
  made.uid = RunUid(row.text(14));
  made.tasks = count_of(row.integer(22));
  if (!row.is_null(26)) {
    made.checkpoint = {Duration(row.integer(26)), Duration(row.integer(27)),
                       count_of(row.integer(28)), row.text(29), count_of(row.integer(32))};
  }
  made.lineage = RunUid(row.text(30));
  if (!row.is_null(31)) made.resumes = RunId(unsigned_of(row.integer(31)));
  return made;
}

/// The state that a word in a row names.
template <Worded State>
Result<State> state_of(const std::string& word) {
  if (const auto state = enumerator_of<State>(word)) return *state;
  return make_error(ErrorCode::corrupt, "'{}' is no {}", word, EnumOf<State>::noun);
}

/// One row of `run_columns`.
Result<RunSummary> summary_from(const SqliteStatement& row) {
  RunSummary run;
  run.made = made_from(row);
  run.state = TRY(state_of<RunState>(row.text(15)));
  if (!row.is_null(16)) {
    run.cause = Error{static_cast<ErrorCode>(row.integer(16)), row.text(17), row.text(18)};
  }
  run.times.submitted = wall_time(row.integer(19));
  if (!row.is_null(20)) run.times.started = wall_time(row.integer(20));
  if (!row.is_null(21)) run.times.finished = wall_time(row.integer(21));
  run.counts = {count_of(row.integer(22)), count_of(row.integer(23)), count_of(row.integer(24)),
                row.integer(25)};
  return run;
}

Result<std::vector<RunSummary>> summaries_from(SqliteStatement rows) {
  std::vector<RunSummary> runs;
  while (TRY(rows.step())) runs.push_back(TRY(summary_from(rows)));
  return runs;
}

/// Runs older than `before` that also meet the condition `where`, the newest first.
Result<SqliteStatement> runs_before(SqliteDatabase& database, std::string_view where,
                                    std::optional<RunId> before, std::uint32_t limit) {
  auto rows = TRY(database.prepare(
      fmt::format("SELECT {} FROM runs r WHERE r.run < ?1{} ORDER BY r.run DESC LIMIT ?2",
                  run_columns, where)));
  const std::int64_t end = before ? signed_of(before->value()) : INT64_MAX;
  rows.bind(1, end).bind(2, std::int64_t{limit});
  return rows;
}

Error no_run(RunId run) {
  Error error = make_error(ErrorCode::not_found, "there is no run {}", run);
  error.hint = "`troupe list --runs` shows them";
  return error;
}

Result<std::vector<AttemptImage>> read_attempts(SqliteDatabase& database, RunId run) {
  auto rows = TRY(database.prepare(
      "SELECT attempt, stage, subtask, node, incarnation, state, sink, outputs, committables,"
      " counters FROM attempts WHERE run = ? ORDER BY attempt, stage, subtask"));
  rows.bind(1, signed_of(run.value()));
  std::vector<AttemptImage> attempts;
  while (TRY(rows.step())) {
    AttemptImage image;
    image.made.key = {run,
                      {StageId(count_of(rows.integer(1))), count_of(rows.integer(2))},
                      Attempt(unsigned_of(rows.integer(0)))};
    image.made.node = NodeId(rows.text(3));
    image.made.incarnation = Incarnation(unsigned_of(rows.integer(4)));
    image.state = TRY(state_of<AttemptState>(rows.text(5)));
    if (!rows.is_null(7)) {
      auto outputs = TRY(decode_outputs(rows.text(7)));
      auto committables = TRY(decode_committables(rows.text(8)));
      image.result = AttemptResultRecord{image.made.key, std::move(outputs), rows.text(6),
                                         std::move(committables), counters_from(rows.text(9))};
    }
    attempts.push_back(std::move(image));
  }
  return attempts;
}

Result<> add_plan(SqliteDatabase& database, RunImage& image) {
  auto row = TRY(database.prepare("SELECT plan FROM job_versions WHERE job = ? AND hash = ?"));
  row.bind(1, image.made.job.value()).bind(2, image.made.hash);
  if (!TRY(row.step())) {
    return make_error(ErrorCode::corrupt, "the plan of run {} is not there", image.made.run);
  }
  image.plan = std::make_shared<const std::string>(row.text(0));
  return {};
}

Result<> add_splits(SqliteDatabase& database, RunImage& image) {
  auto row = TRY(database.prepare("SELECT splits FROM splits WHERE run = ?"));
  row.bind(1, signed_of(image.made.run.value()));
  if (TRY(row.step())) image.splits = TRY(decode_splits(row.text(0)));
  return {};
}

Result<> add_epochs(SqliteDatabase& database, RunImage& image) {
  auto rows =
      TRY(database.prepare("SELECT epoch, state, sinks FROM epochs WHERE run = ? ORDER BY epoch"));
  rows.bind(1, signed_of(image.made.run.value()));
  while (TRY(rows.step())) {
    const EpochState state = TRY(state_of<EpochState>(rows.text(1)));
    EpochImage epoch{Epoch(unsigned_of(rows.integer(0))), state};
    if (!rows.is_null(2)) epoch.manifest = TRY(decode_manifest(rows.text(2)));
    image.epochs.push_back(std::move(epoch));
  }
  return {};
}

/// Processes that may still write for the run, for nobody has heard that they stopped.
Result<> add_away(SqliteDatabase& database, Leftover& leftover) {
  auto nodes =
      TRY(database.prepare("SELECT DISTINCT node, incarnation FROM attempts"
                           " WHERE run = ? AND state IN ('KILLED', 'SUPERSEDED')"));
  nodes.bind(1, signed_of(leftover.run.value()));
  while (TRY(nodes.step())) {
    leftover.away.emplace(NodeId(nodes.text(0)), Incarnation(unsigned_of(nodes.integer(1))));
  }
  return {};
}

Result<> add_halted_before(SqliteDatabase& database, RunImage& image) {
  if (!image.made.resumes) return {};
  auto rows = TRY(database.prepare(
      "SELECT r.run, r.uid, v.plan FROM runs r JOIN job_versions v USING (job, hash)"
      " WHERE r.lineage = ? AND r.run < ? AND r.state = 'HALTED' AND r.cleaned = 0"));
  rows.bind(1, image.made.lineage.value()).bind(2, signed_of(image.made.run.value()));
  while (TRY(rows.step())) {
    image.halted_before.push_back({RunId(unsigned_of(rows.integer(0))), RunUid(rows.text(1)),
                                   std::make_shared<const std::string>(rows.text(2))});
  }
  for (Leftover& before : image.halted_before) TRY(add_away(database, before));
  return {};
}

/// Completes a run whose own row has been read.
Result<RunImage> image_of(SqliteDatabase& database, RunSummary summary) {
  RunImage image;
  image.made = std::move(summary.made);
  image.state = summary.state;
  image.cause = std::move(summary.cause);
  TRY(add_plan(database, image));
  TRY(add_splits(database, image));
  image.attempts = TRY(read_attempts(database, image.made.run));
  TRY(add_epochs(database, image));
  TRY(add_halted_before(database, image));
  image.rows_committed = summary.counts.rows_committed;
  return image;
}

Result<std::vector<RunImage>> read_open_runs(SqliteDatabase& database) {
  // SQLite uses the partial index `runs_open` only if the query repeats its condition word by word.
  auto open = TRY(summaries_from(TRY(database.prepare(fmt::format(
      "SELECT {} FROM runs r"
      " WHERE r.state NOT IN ('SUCCEEDED', 'CANCELLED', 'SUSPENDED', 'FAILED', 'HALTED')"
      " ORDER BY r.run",
      run_columns)))));
  std::vector<RunImage> runs;
  for (RunSummary& summary : open) runs.push_back(TRY(image_of(database, std::move(summary))));
  return runs;
}

/// The newest `limit` of them. An attempt that was killed or superseded may still run on its node,
/// and write: that is why those nodes come along.
Result<std::vector<Leftover>> read_leftovers(SqliteDatabase& database, std::uint32_t limit) {
  auto rows = TRY(database.prepare(
      "SELECT r.run, r.uid, v.plan FROM runs r JOIN job_versions v USING (job, hash)"
      " WHERE r.cleaned = 0 AND (r.state IN ('SUCCEEDED', 'CANCELLED', 'SUSPENDED', 'FAILED')"
      " OR (r.state = 'HALTED' AND EXISTS (SELECT 1 FROM runs l WHERE l.lineage = r.lineage"
      " AND l.run > r.run AND l.state IN ('SUCCEEDED', 'CANCELLED', 'SUSPENDED', 'FAILED'))))"
      " ORDER BY r.run DESC LIMIT ?"));
  rows.bind(1, std::int64_t{limit});
  std::vector<Leftover> leftovers;
  while (TRY(rows.step())) {
    leftovers.push_back({RunId(unsigned_of(rows.integer(0))), RunUid(rows.text(1)),
                         std::make_shared<const std::string>(rows.text(2))});
  }
  for (Leftover& leftover : leftovers) TRY(add_away(database, leftover));
  return leftovers;
}

Result<std::map<NodeId, NodeRecord>> read_nodes(SqliteDatabase& database) {
  auto rows = TRY(database.prepare("SELECT node, incarnation, address, slots, ended FROM nodes"));
  std::map<NodeId, NodeRecord> nodes;
  while (TRY(rows.step())) {
    const NodeId node(rows.text(0));
    nodes[node] = {node, Incarnation(unsigned_of(rows.integer(1))), rows.text(2),
                   count_of(rows.integer(3)), rows.integer(4) != 0};
  }
  return nodes;
}

constexpr std::string_view job_columns =
    "j.job, j.hash, v.applied_at, r.run, r.state, v.plan, v.descriptor"
    " FROM jobs j JOIN job_versions v USING (job, hash)"
    " LEFT JOIN runs r ON r.run = (SELECT max(run) FROM runs WHERE runs.job = j.job)";

/// One row of `job_columns`.
Result<JobSummary> job_from(const SqliteStatement& row) {
  JobSummary job{JobName(row.text(0)), row.text(1), wall_time(row.integer(2)), {}, {}};
  if (row.is_null(3)) return job;
  job.last_run = RunId(unsigned_of(row.integer(3)));
  job.last_state = TRY(state_of<RunState>(row.text(4)));
  return job;
}

Result<std::optional<RunId>> first_run(SqliteStatement row) {
  if (!TRY(row.step())) return std::optional<RunId>();
  return std::optional(RunId(unsigned_of(row.integer(0))));
}

Result<std::optional<RunId>> run_with_key(SqliteDatabase& database, const std::string& key) {
  // `key <> ''` is the condition of the partial index on keys.
  auto row = TRY(database.prepare("SELECT run FROM runs WHERE key = ? AND key <> ''"));
  row.bind(1, key);
  return first_run(std::move(row));
}

Result<std::optional<RunId>> run_of_interval(SqliteDatabase& database, const RunInterval& which) {
  const auto& [job, interval, generation] = which;
  auto row = TRY(database.prepare(
      "SELECT run FROM runs WHERE job = ? AND interval = ? AND generation = ? AND interval <> ''"));
  row.bind(1, job.value()).bind(2, interval).bind(3, signed_of(generation));
  return first_run(std::move(row));
}

Result<std::optional<RunId>> run_that_resumes(SqliteDatabase& database, RunId run) {
  auto row = TRY(database.prepare("SELECT run FROM runs WHERE resumes = ?"));
  row.bind(1, signed_of(run.value()));
  return first_run(std::move(row));
}

/// Nobody goes on from its state any more. Of a lineage that is not known here nothing is said.
Result<bool> is_over(SqliteDatabase& database, const RunUid& lineage) {
  auto row =
      TRY(database.prepare("SELECT state FROM runs WHERE lineage = ? ORDER BY run DESC LIMIT 1"));
  row.bind(1, lineage.value());
  if (!TRY(row.step())) return false;
  const RunState state = TRY(state_of<RunState>(row.text(0)));
  return state == RunState::succeeded || state == RunState::cancelled;
}

}  // namespace

Result<ClusterImage> read_image(SqliteDatabase& database) {
  ClusterImage image;
  auto row = TRY(
      database.prepare("SELECT id, term, (SELECT coalesce(max(run), 0) FROM runs) FROM cluster"));
  if (!TRY(row.step())) return make_error(ErrorCode::corrupt, "the metadata names no cluster");
  image.cluster = ClusterId(row.text(0));
  image.term = Term(unsigned_of(row.integer(1)));
  image.last_run = RunId(unsigned_of(row.integer(2)));
  image.nodes = TRY(read_nodes(database));
  image.runs = TRY(read_open_runs(database));
  image.leftovers = TRY(read_leftovers(database, remembered_leftovers_max));
  return image;
}

Result<Looked> look_up(SqliteDatabase& database, const effect::Look& look) {
  Looked found{look.look, {}, {}};
  if (!look.key.empty()) found.with_key = TRY(run_with_key(database, look.key));
  if (look.interval) found.of_interval = TRY(run_of_interval(database, *look.interval));
  if (look.resumes) found.resumed_by = TRY(run_that_resumes(database, *look.resumes));
  for (const RunUid& lineage : look.lineages) {
    if (TRY(is_over(database, lineage))) found.over.push_back(lineage);
  }
  return found;
}

Result<RunSummary> read_summary(SqliteDatabase& database, RunId run) {
  auto row =
      TRY(database.prepare(fmt::format("SELECT {} FROM runs r WHERE r.run = ?", run_columns)));
  row.bind(1, signed_of(run.value()));
  if (!TRY(row.step())) return no_run(run);
  return summary_from(row);
}

Result<StoredRun> read_run(SqliteDatabase& database, RunId run) {
  RunSummary summary = TRY(read_summary(database, run));
  const RunTimes times = summary.times;
  return StoredRun{TRY(image_of(database, std::move(summary))), times};
}

Result<std::vector<RunSummary>> read_summaries(SqliteDatabase& database,
                                               const std::optional<JobName>& job,
                                               std::optional<RunId> before, std::uint32_t limit) {
  if (!job) return summaries_from(TRY(runs_before(database, "", before, limit)));
  auto rows = TRY(runs_before(database, " AND r.job = ?3", before, limit));
  rows.bind(3, job->value());
  return summaries_from(std::move(rows));
}

Result<std::vector<JobSummary>> read_jobs(SqliteDatabase& database, const JobName& after,
                                          std::uint32_t limit) {
  auto rows = TRY(database.prepare(
      fmt::format("SELECT {} WHERE j.job > ?1 ORDER BY j.job LIMIT ?2", job_columns)));
  rows.bind(1, after.value()).bind(2, std::int64_t{limit});
  std::vector<JobSummary> jobs;
  while (TRY(rows.step())) jobs.push_back(TRY(job_from(rows)));
  return jobs;
}

Result<StoredJob> read_job(SqliteDatabase& database, const JobName& job) {
  auto row = TRY(database.prepare(fmt::format("SELECT {} WHERE j.job = ?1", job_columns)));
  row.bind(1, job.value());
  if (!TRY(row.step())) {
    Error error = make_error(ErrorCode::not_found, "there is no job '{}'", job);
    error.hint = "`troupe list` shows them; `troupe apply FILE` stores one";
    return error;
  }
  return StoredJob{TRY(job_from(row)), std::make_shared<const std::string>(row.text(5)),
                   row.text(6)};
}

Result<std::vector<StoredEpoch>> read_epochs(SqliteDatabase& database, RunId run,
                                             std::uint32_t limit) {
  auto rows = TRY(database.prepare(
      "SELECT epoch, state, started_at, published_at, committed_at, aligned_ns, written_ns,"
      " acknowledged_ns, copied_ns, state_bytes, rows, why FROM epochs WHERE run = ?"
      " ORDER BY epoch DESC LIMIT ?"));
  rows.bind(1, signed_of(run.value())).bind(2, std::int64_t{limit});
  std::vector<StoredEpoch> epochs;
  while (TRY(rows.step())) {
    StoredEpoch epoch;
    epoch.epoch = Epoch(unsigned_of(rows.integer(0)));
    epoch.state = TRY(state_of<EpochState>(rows.text(1)));
    if (!rows.is_null(2)) epoch.started = wall_time(rows.integer(2));
    if (!rows.is_null(3)) epoch.published = wall_time(rows.integer(3));
    if (!rows.is_null(4)) epoch.committed = wall_time(rows.integer(4));
    if (!rows.is_null(7)) {
      epoch.phases = EpochPhases{Duration(rows.integer(5)), Duration(rows.integer(6)),
                                 Duration(rows.integer(7)), Duration(rows.integer(8))};
    }
    epoch.state_bytes = rows.integer(9);
    epoch.rows = rows.integer(10);
    epoch.why = rows.text(11);
    epochs.push_back(std::move(epoch));
  }
  return epochs;
}

Result<std::vector<StoredEvent>> read_events(SqliteDatabase& database,
                                             const std::optional<RunId>& run,
                                             std::uint64_t sequence, std::uint32_t limit) {
  auto rows =
      TRY(database.prepare(fmt::format("SELECT sequence, at, run, level, text FROM events"
                                       " WHERE sequence > ?1{} ORDER BY sequence LIMIT ?2",
                                       run ? " AND run = ?3" : "")));
  rows.bind(1, signed_of(sequence)).bind(2, std::int64_t{limit});
  if (run) rows.bind(3, signed_of(run->value()));
  std::vector<StoredEvent> events;
  while (TRY(rows.step())) {
    StoredEvent stored{unsigned_of(rows.integer(0)), wall_time(rows.integer(1)), {}};
    stored.event.run = RunId(unsigned_of(rows.integer(2)));
    if (!log::parse_level(rows.text(3), stored.event.level)) {
      return make_error(ErrorCode::corrupt, "'{}' is no level of an event", rows.text(3));
    }
    stored.event.text = rows.text(4);
    events.push_back(std::move(stored));
  }
  return events;
}

}  // namespace troupe
