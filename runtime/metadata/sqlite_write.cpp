#include "runtime/decision/column_codec.hpp"
#include "runtime/metadata/counters_text.hpp"
#include "runtime/metadata/sqlite_rows.hpp"

#include <array>

namespace troupe {
namespace {

std::int64_t micros(WallTime time) { return time.time_since_epoch().count(); }

std::int64_t signed_of(std::uint64_t number) { return static_cast<std::int64_t>(number); }

class Writer {
 public:
  Writer(SqliteDatabase& database, WallTime now) : database_(database), now_(micros(now)) {}

  Result<> operator()(const JobVersionRecord& record) {
    TRY(TRY(database_.prepare("INSERT INTO job_versions (job, hash, plan, descriptor, author,"
                              " applied_at) VALUES (?, ?, ?, ?, ?, ?)"
                              " ON CONFLICT (job, hash) DO UPDATE SET applied_at = ?6"))
            .bind(1, record.job.value())
            .bind(2, record.hash)
            .bind_blob(3, record.plan ? *record.plan : "")
            .bind(4, record.descriptor)
            .bind(5, record.by)
            .bind(6, now_)
            .run());
    return TRY(database_.prepare("INSERT INTO jobs (job, hash) VALUES (?, ?)"
                                 " ON CONFLICT (job) DO UPDATE SET hash = ?2"))
        .bind(1, record.job.value())
        .bind(2, record.hash)
        .run();
  }

  Result<> operator()(const RunRecord& record) {
    auto statement = TRY(database_.prepare(
        "INSERT INTO runs (run, job, hash, interval, generation, run_attempt, key,"
        " parallelism, keep_blocking_edges, restart_attempts, restart_window_ns,"
        " restart_initial_ns, restart_max_ns, memory_bytes, state, submitted_at, uid,"
        " cleaned, tasks, checkpoint_every_ns, checkpoint_timeout_ns, checkpoint_keep,"
        " checkpoint_directory, lineage, resumes, checkpoint_copies_min) VALUES (?, ?, ?, ?, ?, ?, "
        "?, ?, ?, ?, ?, ?, ?, ?,"
        " 'QUEUED', ?, ?, 0, ?, ?, ?, ?, ?, ?, ?, ?)"));
    statement.bind(1, signed_of(record.run.value()))
        .bind(2, record.job.value())
        .bind(3, record.hash)
        .bind(4, record.interval)
        .bind(5, signed_of(record.generation))
        .bind(6, signed_of(record.run_attempt.value()))
        .bind(7, record.key)
        .bind(8, std::int64_t{record.target.parallelism})
        .bind(9, std::int64_t{record.target.keep_blocking_edges})
        .bind(10, std::int64_t{record.restart.attempts})
        .bind(11, record.restart.window.count())
        .bind(12, record.restart.initial_delay.count())
        .bind(13, record.restart.max_delay.count())
        .bind(14, record.memory_bytes)
        .bind(15, now_)
        .bind(16, record.uid.value())
        .bind(17, std::int64_t{record.tasks})
        .bind(22, record.marked_with().value())
        .bind(24, std::int64_t{record.checkpoint ? record.checkpoint->copies_min : 1});
    if (record.resumes) statement.bind(23, signed_of(record.resumes->value()));
    if (record.checkpoint) {
      statement.bind(18, record.checkpoint->every.count())
          .bind(19, record.checkpoint->timeout.count())
          .bind(20, std::int64_t{record.checkpoint->keep})
          .bind(21, record.checkpoint->directory);
    }
    return statement.run();
  }

  /// A run that is RUNNING once more, after a restart, keeps the time of its first start.
  Result<> operator()(const RunStateRecord& record) {
    auto statement = TRY(database_.prepare(
        "UPDATE runs SET state = ?3, cause_code = ?4, cause_message = ?5, cause_hint = ?6,"
        " started_at = CASE WHEN ?3 = 'RUNNING' THEN coalesce(started_at, ?7) ELSE started_at END,"
        " finished_at = CASE WHEN ?8 THEN ?7 ELSE finished_at END"
        " WHERE run = ?1 AND state = ?2"));
    statement.bind(1, signed_of(record.run.value()))
        .bind(2, to_string(record.from))
        .bind(3, to_string(record.to))
        .bind(7, now_)
        .bind(8, std::int64_t{ended(record.to)});
    if (record.cause) {
      statement.bind(4, static_cast<std::int64_t>(record.cause->code))
          .bind(5, record.cause->message)
          .bind(6, record.cause->hint);
    }
    TRY(statement.run());
    return changed_one(fmt::format("run {} is not {}", record.run, to_string(record.from)));
  }

  Result<> operator()(const SplitsRecord& record) {
    return TRY(database_.prepare("INSERT INTO splits (run, splits) VALUES (?, ?)"))
        .bind(1, signed_of(record.run.value()))
        .bind_blob(2, encode_splits(record.splits))
        .run();
  }

  Result<> operator()(const AttemptRecord& record) {
    auto statement = TRY(database_.prepare(
        "INSERT INTO attempts (run, attempt, stage, subtask, node, incarnation, state)"
        " VALUES (?, ?, ?, ?, ?, ?, 'DEPLOYING')"));
    TRY(bind_key(statement, record.key)
            .bind(5, record.node.value())
            .bind(6, signed_of(record.incarnation.value()))
            .run());
    // Counts of a run are kept in its row, in the same transaction: lists read no attempts.
    if (!record.again) return {};
    return count(record.key.run,
                 "UPDATE runs SET task_restarts = task_restarts + ?2 WHERE run = ?1", 1);
  }

  Result<> operator()(const AttemptStateRecord& record) {
    auto statement = TRY(database_.prepare(
        "UPDATE attempts SET state = ?6, cause = ?7"
        " WHERE run = ?1 AND attempt = ?2 AND stage = ?3 AND subtask = ?4 AND state = ?5"));
    TRY(bind_key(statement, record.key)
            .bind(5, to_string(record.from))
            .bind(6, to_string(record.to))
            .bind(7, record.cause)
            .run());
    TRY(changed_one(
        fmt::format("attempt {} is not {}", attempt_tag(record.key), to_string(record.from))));
    // Also down: a finished attempt is superseded when its output has to be made again.
    const int finished = (record.to == AttemptState::finished ? 1 : 0) -
                         (record.from == AttemptState::finished ? 1 : 0);
    if (finished == 0) return {};
    return count(record.key.run,
                 "UPDATE runs SET tasks_finished = tasks_finished + ?2 WHERE run = ?1", finished);
  }

  Result<> operator()(const AttemptResultRecord& record) {
    auto statement = TRY(database_.prepare(
        "UPDATE attempts SET sink = ?5, outputs = ?6, committables = ?7, counters = ?8"
        " WHERE run = ?1 AND attempt = ?2 AND stage = ?3 AND subtask = ?4"));
    TRY(bind_key(statement, record.key)
            .bind(5, record.sink)
            .bind_blob(6, encode_outputs(record.outputs))
            .bind_blob(7, encode_committables(record.committables))
            .bind(8, counters_text(record.counters))
            .run());
    return changed_one(fmt::format("there is no attempt {}", attempt_tag(record.key)));
  }

  Result<> operator()(const EpochRecord& record) {
    if (!record.from) {
      return TRY(database_.prepare("INSERT INTO epochs (run, epoch, state, started_at)"
                                   " VALUES (?, ?, ?, ?)"))
          .bind(1, signed_of(record.run.value()))
          .bind(2, signed_of(record.epoch.value()))
          .bind(3, to_string(record.to))
          .bind(4, now_)
          .run();
    }
    TRY(TRY(database_.prepare(
                "UPDATE epochs SET state = ?4, why = ?5,"
                " published_at = CASE WHEN ?4 = 'PUBLISHED' THEN ?6 ELSE published_at END,"
                " committed_at = CASE WHEN ?4 = 'COMMITTED' THEN ?6 ELSE committed_at END"
                " WHERE run = ?1 AND epoch = ?2 AND state = ?3"))
            .bind(1, signed_of(record.run.value()))
            .bind(2, signed_of(record.epoch.value()))
            .bind(3, to_string(*record.from))
            .bind(4, to_string(record.to))
            .bind(5, record.why)
            .bind(6, now_)
            .run());
    TRY(changed_one(fmt::format("epoch {} of run {} is not {}", record.epoch, record.run,
                                to_string(*record.from))));
    if (record.to != EpochState::committed) return {};
    return TRY(database_.prepare("UPDATE runs SET rows_committed = rows_committed +"
                                 " (SELECT rows FROM epochs WHERE run = ?1 AND epoch = ?2)"
                                 " WHERE run = ?1"))
        .bind(1, signed_of(record.run.value()))
        .bind(2, signed_of(record.epoch.value()))
        .run();
  }

  Result<> operator()(const ManifestRecord& record) {
    TRY(TRY(database_.prepare("UPDATE epochs SET sinks = ?3, rows = ?4, state_bytes = ?5,"
                              " aligned_ns = ?6, written_ns = ?7, acknowledged_ns = ?8,"
                              " copied_ns = ?9 WHERE run = ?1 AND epoch = ?2"
                              " AND state = 'STARTED'"))
            .bind(1, signed_of(record.run.value()))
            .bind(2, signed_of(record.epoch.value()))
            .bind_blob(3, encode_manifest(record.manifest))
            .bind(4, rows_of(record.manifest.sinks))
            .bind(5, state_bytes_of(record.manifest))
            .bind(6, record.phases.aligned.count())
            .bind(7, record.phases.written.count())
            .bind(8, record.phases.acknowledged.count())
            .bind(9, record.phases.copied.count())
            .run());
    return changed_one(fmt::format("epoch {} of run {} is not STARTED", record.epoch, record.run));
  }

  Result<> operator()(const InheritRecord& record) {
    TRY(TRY(database_.prepare("INSERT INTO splits (run, splits) SELECT ?1, splits FROM splits"
                              " WHERE run = ?2"))
            .bind(1, signed_of(record.run.value()))
            .bind(2, signed_of(record.from.value()))
            .run());
    return TRY(database_.prepare(
                   "INSERT INTO epochs (run, epoch, state, sinks, rows, started_at, published_at, "
                   "committed_at,"
                   " aligned_ns, written_ns, acknowledged_ns, copied_ns, state_bytes, why)"
                   " SELECT ?1, epoch, state, sinks, rows, started_at, published_at, committed_at,"
                   " aligned_ns, written_ns, acknowledged_ns, copied_ns, state_bytes, why"
                   " FROM epochs WHERE run = ?2"))
        .bind(1, signed_of(record.run.value()))
        .bind(2, signed_of(record.from.value()))
        .run();
  }

  /// What nobody goes back to any more is not kept, so an endless run does not fill the disk.
  Result<> operator()(const ForgetEpochsRecord& record) {
    TRY(TRY(database_.prepare("UPDATE epochs SET sinks = NULL WHERE run = ?1 AND epoch < ?2"
                              " AND sinks IS NOT NULL"))
            .bind(1, signed_of(record.run.value()))
            .bind(2, signed_of(record.manifests_below.value()))
            .run());
    return TRY(database_.prepare("DELETE FROM epochs WHERE run = ?1 AND epoch < ?2"))
        .bind(1, signed_of(record.run.value()))
        .bind(2, signed_of(record.rows_below.value()))
        .run();
  }

  /// A lower incarnation changes no row, and so is a conflict: a process that is over must not
  /// overwrite its successor.
  Result<> operator()(const NodeRecord& record) {
    TRY(TRY(database_.prepare(
                "INSERT INTO nodes (node, incarnation, address, slots, ended)"
                " VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (node) DO UPDATE SET"
                " incarnation = ?2, address = ?3, slots = ?4, ended = ?5 WHERE incarnation <= ?2"))
            .bind(1, record.node.value())
            .bind(2, signed_of(record.incarnation.value()))
            .bind(3, record.address)
            .bind(4, std::int64_t{record.slots})
            .bind(5, std::int64_t{record.ended})
            .run());
    return changed_one(
        fmt::format("node {} has a higher incarnation than {}", record.node, record.incarnation));
  }

  Result<> operator()(const RunCleanedRecord& record) {
    TRY(TRY(database_.prepare("UPDATE runs SET cleaned = 1 WHERE run = ?"))
            .bind(1, signed_of(record.run.value()))
            .run());
    return changed_one(fmt::format("there is no run {}", record.run));
  }

  Result<> operator()(const EventRecord& record) {
    return TRY(database_.prepare("INSERT INTO events (at, run, level, text) VALUES (?, ?, ?, ?)"))
        .bind(1, now_)
        .bind(2, signed_of(record.run.value()))
        .bind(3, log::to_string(record.level))
        .bind(4, record.text)
        .run();
  }

 private:
  static SqliteStatement& bind_key(SqliteStatement& statement, const AttemptKey& key) {
    return statement.bind(1, signed_of(key.run.value()))
        .bind(2, signed_of(key.attempt.value()))
        .bind(3, std::int64_t{key.task.stage.value()})
        .bind(4, std::int64_t{key.task.subtask});
  }

  Result<> count(RunId run, std::string_view sql, int more) {
    return TRY(database_.prepare(sql))
        .bind(1, signed_of(run.value()))
        .bind(2, std::int64_t{more})
        .run();
  }

  /// Every change says in its WHERE what it expects. No changed row means that the metadata is not
  /// as the machines believe.
  Result<> changed_one(const std::string& otherwise) const {
    if (database_.changes() == 1) return {};
    return make_error(ErrorCode::conflict, "the metadata says otherwise: {}", otherwise);
  }

  SqliteDatabase& database_;
  const std::int64_t now_;
};

}  // namespace

Result<> write_record(SqliteDatabase& database, const Record& record, WallTime now) {
  return std::visit(Writer(database, now), record);
}

}  // namespace troupe
