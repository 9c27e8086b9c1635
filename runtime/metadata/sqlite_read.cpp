#include "runtime/base/json.hpp"
#include "runtime/decision/column_codec.hpp"
#include "runtime/metadata/sqlite_rows.hpp"

namespace troupe {
namespace {

constexpr const char* run_columns =
    "r.run, r.job, r.hash, r.interval, r.generation, r.run_attempt, r.key, r.parallelism,"
    " r.keep_blocking_edges, r.restart_attempts, r.restart_window_ns, r.restart_initial_ns,"
    " r.restart_max_ns, r.memory_bytes, r.state, r.cause_code, r.cause_message, r.cause_hint,"
    " r.splits, r.submitted_at, r.started_at, r.finished_at, v.plan, r.uid"
    " FROM runs r JOIN job_versions v USING (job, hash)";

WallTime wall_time(std::int64_t micros) { return WallTime(WallTime::duration(micros)); }

std::uint64_t unsigned_of(std::int64_t number) { return static_cast<std::uint64_t>(number); }

std::int64_t signed_of(std::uint64_t number) { return static_cast<std::int64_t>(number); }

/// One row of `run_columns`.
Result<StoredRun> run_from(const SqliteStatement& row) {
  StoredRun stored;
  RunRecord& made = stored.image.made;
  made.run = RunId(unsigned_of(row.integer(0)));
  made.uid = RunUid(row.text(23));
  made.job = JobName(row.text(1));
  made.hash = row.text(2);
  made.interval = row.text(3);
  made.generation = unsigned_of(row.integer(4));
  made.run_attempt = Attempt(unsigned_of(row.integer(5)));
  made.key = row.text(6);
  made.target.parallelism = static_cast<std::uint32_t>(row.integer(7));
  made.target.keep_blocking_edges = row.integer(8) != 0;
  made.restart.attempts = static_cast<std::uint32_t>(row.integer(9));
  made.restart.window = Duration(row.integer(10));
  made.restart.initial_delay = Duration(row.integer(11));
  made.restart.max_delay = Duration(row.integer(12));
  made.memory_bytes = row.integer(13);
  stored.image.state = TRY(parse_run_state(row.text(14)));
  if (!row.is_null(15)) {
    stored.image.cause = Error{static_cast<ErrorCode>(row.integer(15)), row.text(16), row.text(17)};
  }
  if (!row.is_null(18)) stored.image.splits = TRY(decode_splits(row.text(18)));
  stored.submitted = wall_time(row.integer(19));
  if (!row.is_null(20)) stored.started = wall_time(row.integer(20));
  if (!row.is_null(21)) stored.finished = wall_time(row.integer(21));
  stored.image.plan = std::make_shared<const std::string>(row.text(22));
  return stored;
}

TaskCounters counters_from(const std::string& text) {
  TaskCounters counters;
  const Json json = Json::parse(text, nullptr, false);
  if (!json.is_object()) return counters;
  counters.busy = Duration(json.value("busy_ns", Duration::rep{0}));
  counters.blocked = Duration(json.value("blocked_ns", Duration::rep{0}));
  counters.idle = Duration(json.value("idle_ns", Duration::rep{0}));
  for (const auto& vertex : json.value("vertices", Json::array())) {
    counters.vertices.push_back(
        {vertex.value("vertex", ""), vertex.value("rows_in", std::uint64_t{0}),
         vertex.value("rows_out", std::uint64_t{0}), vertex.value("bytes_in", std::uint64_t{0}),
         vertex.value("bytes_out", std::uint64_t{0})});
  }
  return counters;
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
                      {StageId(static_cast<std::uint32_t>(rows.integer(1))),
                       static_cast<std::uint32_t>(rows.integer(2))},
                      Attempt(unsigned_of(rows.integer(0)))};
    image.made.node = NodeId(rows.text(3));
    image.made.incarnation = Incarnation(unsigned_of(rows.integer(4)));
    image.state = TRY(parse_attempt_state(rows.text(5)));
    if (!rows.is_null(7)) {
      image.result =
          AttemptResultRecord{image.made.key, TRY(decode_outputs(rows.text(7))), rows.text(6),
                              TRY(decode_committables(rows.text(8))), counters_from(rows.text(9))};
    }
    attempts.push_back(std::move(image));
  }
  return attempts;
}

Result<StoredWork> read_work(SqliteDatabase& database, RunId run) {
  auto rows = TRY(database.prepare(
      "WITH tries AS (SELECT stage << 32 | subtask AS task, state FROM attempts WHERE run = ?)"
      " SELECT count(*), count(DISTINCT task),"
      " count(DISTINCT CASE WHEN state = 'FINISHED' THEN task END) FROM tries"));
  rows.bind(1, signed_of(run.value()));
  if (!TRY(rows.step())) return StoredWork();
  return StoredWork{static_cast<std::uint32_t>(rows.integer(0)),
                    static_cast<std::uint32_t>(rows.integer(1)),
                    static_cast<std::uint32_t>(rows.integer(2))};
}

Result<> add_manifest(SqliteDatabase& database, RunImage& image) {
  auto rows = TRY(database.prepare(
      "SELECT state, sinks FROM epochs WHERE run = ? ORDER BY epoch DESC LIMIT 1"));
  rows.bind(1, signed_of(image.made.run.value()));
  if (TRY(rows.step())) {
    image.epoch = TRY(parse_epoch_state(rows.text(0)));
    if (!rows.is_null(1)) image.manifest = TRY(decode_manifest(rows.text(1)));
  }
  return {};
}

Result<> add_details(SqliteDatabase& database, RunImage& image) {
  image.attempts = TRY(read_attempts(database, image.made.run));
  return add_manifest(database, image);
}

}  // namespace

Result<std::vector<RunImage>> read_open_runs(SqliteDatabase& database) {
  auto rows = TRY(database.prepare(
      fmt::format("SELECT {} WHERE r.state NOT IN ('SUCCEEDED', 'CANCELLED', 'FAILED', 'HALTED')"
                  " ORDER BY r.run",
                  run_columns)));
  std::vector<RunImage> runs;
  while (TRY(rows.step())) runs.push_back(TRY(run_from(rows)).image);
  for (auto& image : runs) TRY(add_details(database, image));
  return runs;
}

Result<StoredRun> read_run(SqliteDatabase& database, RunId run) {
  auto rows = TRY(database.prepare(fmt::format("SELECT {} WHERE r.run = ?", run_columns)));
  rows.bind(1, signed_of(run.value()));
  if (!TRY(rows.step())) {
    Error error = fail(ErrorCode::not_found, "there is no run {}", run);
    error.hint = "`troupe list --runs` shows them";
    return error;
  }
  StoredRun stored = TRY(run_from(rows));
  TRY(add_details(database, stored.image));
  return stored;
}

Result<std::vector<StoredRun>> read_runs(SqliteDatabase& database,
                                         const std::optional<JobName>& job,
                                         std::optional<RunId> before, std::uint32_t limit) {
  auto rows = TRY(database.prepare(
      fmt::format("SELECT {} WHERE (?1 IS NULL OR r.job = ?1) AND (?3 IS NULL OR r.run < ?3)"
                  " ORDER BY r.run DESC LIMIT ?2",
                  run_columns)));
  if (job) rows.bind(1, job->value());
  rows.bind(2, std::int64_t{limit});
  if (before) rows.bind(3, signed_of(before->value()));
  std::vector<StoredRun> runs;
  while (TRY(rows.step())) runs.push_back(TRY(run_from(rows)));
  for (StoredRun& stored : runs) {
    stored.work = TRY(read_work(database, stored.image.made.run));
    TRY(add_manifest(database, stored.image));
  }
  return runs;
}

Result<std::vector<StoredJob>> read_jobs(SqliteDatabase& database,
                                         const std::optional<JobName>& job) {
  auto rows = TRY(database.prepare(
      "SELECT j.job, j.hash, v.plan, v.descriptor, v.author, v.applied_at, r.run, r.state"
      " FROM jobs j JOIN job_versions v USING (job, hash)"
      " LEFT JOIN runs r ON r.run = (SELECT max(run) FROM runs WHERE runs.job = j.job)"
      " WHERE ?1 IS NULL OR j.job = ?1 ORDER BY j.job"));
  if (job) rows.bind(1, job->value());
  std::vector<StoredJob> jobs;
  while (TRY(rows.step())) {
    StoredJob stored;
    stored.version = {JobName(rows.text(0)), rows.text(1),
                      std::make_shared<const std::string>(rows.text(2)), rows.text(3),
                      rows.text(4)};
    stored.applied = wall_time(rows.integer(5));
    if (!rows.is_null(6)) {
      stored.last_run = RunId(unsigned_of(rows.integer(6)));
      stored.last_state = TRY(parse_run_state(rows.text(7)));
    }
    jobs.push_back(std::move(stored));
  }
  return jobs;
}

Result<std::vector<StoredEvent>> read_events(SqliteDatabase& database,
                                             const std::optional<RunId>& run,
                                             std::uint64_t sequence, std::uint32_t limit) {
  auto rows = TRY(database.prepare(
      "SELECT sequence, at, run, level, text FROM events"
      " WHERE sequence > ?1 AND (?2 IS NULL OR run = ?2) ORDER BY sequence LIMIT ?3"));
  rows.bind(1, signed_of(sequence)).bind(3, std::int64_t{limit});
  if (run) rows.bind(2, signed_of(run->value()));
  std::vector<StoredEvent> events;
  while (TRY(rows.step())) {
    StoredEvent stored{unsigned_of(rows.integer(0)), wall_time(rows.integer(1)), {}};
    stored.event.run = RunId(unsigned_of(rows.integer(2)));
    if (!log::parse_level(rows.text(3), stored.event.level)) {
      return fail(ErrorCode::corrupt, "'{}' is no level of an event", rows.text(3));
    }
    stored.event.text = rows.text(4);
    events.push_back(std::move(stored));
  }
  return events;
}

Result<std::vector<Leftover>> read_leftovers(SqliteDatabase& database, std::uint32_t limit) {
  auto rows = TRY(database.prepare(
      "SELECT r.run, r.uid, v.plan FROM runs r JOIN job_versions v USING (job, hash)"
      " WHERE r.cleaned = 0 AND r.state IN ('SUCCEEDED', 'CANCELLED', 'FAILED')"
      " ORDER BY r.run DESC LIMIT ?"));
  rows.bind(1, std::int64_t{limit});
  std::vector<Leftover> leftovers;
  while (TRY(rows.step())) {
    leftovers.push_back({RunId(unsigned_of(rows.integer(0))), RunUid(rows.text(1)),
                         std::make_shared<const std::string>(rows.text(2))});
  }
  for (Leftover& leftover : leftovers) {
    auto nodes =
        TRY(database.prepare("SELECT DISTINCT node, incarnation FROM attempts"
                             " WHERE run = ? AND state IN ('KILLED', 'SUPERSEDED')"));
    nodes.bind(1, signed_of(leftover.run.value()));
    while (TRY(nodes.step())) {
      leftover.away.emplace(NodeId(nodes.text(0)), Incarnation(unsigned_of(nodes.integer(1))));
    }
  }
  return leftovers;
}

Result<std::map<NodeId, NodeRecord>> read_nodes(SqliteDatabase& database) {
  auto rows = TRY(database.prepare("SELECT node, incarnation, address, slots, ended FROM nodes"));
  std::map<NodeId, NodeRecord> nodes;
  while (TRY(rows.step())) {
    const NodeId node(rows.text(0));
    nodes[node] = {node, Incarnation(unsigned_of(rows.integer(1))), rows.text(2),
                   static_cast<std::uint32_t>(rows.integer(3)), rows.integer(4) != 0};
  }
  return nodes;
}

Result<std::map<std::string, RunId>> read_keys(SqliteDatabase& database, std::uint32_t limit) {
  auto rows =
      TRY(database.prepare("SELECT key, run FROM runs WHERE key <> '' ORDER BY run DESC LIMIT ?"));
  rows.bind(1, std::int64_t{limit});
  std::map<std::string, RunId> keys;
  while (TRY(rows.step())) keys.emplace(rows.text(0), RunId(unsigned_of(rows.integer(1))));
  return keys;
}

Result<std::set<RunInterval>> read_intervals(SqliteDatabase& database) {
  auto rows =
      TRY(database.prepare("SELECT job, interval, generation FROM runs WHERE interval <> ''"));
  std::set<RunInterval> intervals;
  while (TRY(rows.step())) {
    intervals.emplace(JobName(rows.text(0)), rows.text(1), unsigned_of(rows.integer(2)));
  }
  return intervals;
}

}  // namespace troupe
