#include "runtime/metadata/migrate.hpp"

#include "runtime/decision/column_codec.hpp"
#include "runtime/metadata/migrations.hpp"

#include <fmt/format.h>

#include <cstddef>
#include <iterator>
#include <utility>
#include <vector>

namespace troupe {
namespace {

/// The migration after which runs carry their counts (`schemas/sql/0004_history.sql`).
constexpr std::size_t counts_version = 4;

struct ManifestRows {
  std::int64_t run;
  std::int64_t epoch;
  std::int64_t rows;
};

Result<std::vector<ManifestRows>> rows_of_manifests(SqliteDatabase& database) {
  auto epochs =
      TRY(database.prepare("SELECT run, epoch, sinks FROM epochs WHERE sinks IS NOT NULL"));
  std::vector<ManifestRows> rows;
  while (TRY(epochs.step())) {
    const std::int64_t count = rows_of(TRY(decode_manifest(epochs.text(2))).sinks);
    rows.push_back({epochs.integer(0), epochs.integer(1), count});
  }
  return rows;
}

Result<> count_rows(SqliteDatabase& database) {
  for (const ManifestRows& each : TRY(rows_of_manifests(database))) {
    TRY(TRY(database.prepare("UPDATE epochs SET rows = ?3 WHERE run = ?1 AND epoch = ?2"))
            .bind(1, each.run)
            .bind(2, each.epoch)
            .bind(3, each.rows)
            .run());
  }
  return database.execute(
      "UPDATE runs SET rows_committed = (SELECT coalesce(sum(rows), 0) FROM epochs"
      " WHERE epochs.run = runs.run AND epochs.state = 'COMMITTED')");
}

/// A run that succeeded has tried all its tasks, so SQL has counted them from its attempts already.
Result<std::vector<std::pair<std::int64_t, std::uint32_t>>> tasks_of_plans(
    SqliteDatabase& database, const CountTasks& count_tasks) {
  auto runs = TRY(database.prepare(
      "SELECT r.run, v.plan, r.parallelism, r.keep_blocking_edges"
      " FROM runs r JOIN job_versions v USING (job, hash) WHERE r.state <> 'SUCCEEDED'"));
  std::vector<std::pair<std::int64_t, std::uint32_t>> counts;
  while (TRY(runs.step())) {
    const PlanTarget target{static_cast<std::uint32_t>(runs.integer(2)), runs.integer(3) != 0};
    counts.emplace_back(runs.integer(0), count_tasks(runs.text(1), target));
  }
  return counts;
}

Result<> count_tasks_of_runs(SqliteDatabase& database, const CountTasks& count_tasks) {
  for (const auto& [run, tasks] : TRY(tasks_of_plans(database, count_tasks))) {
    if (tasks == 0) continue;
    TRY(TRY(database.prepare("UPDATE runs SET tasks = ?2 WHERE run = ?1"))
            .bind(1, run)
            .bind(2, std::int64_t{tasks})
            .run());
  }
  return {};
}

/// The number of migrations that the file has seen.
Result<std::size_t> version_of(SqliteDatabase& database) {
  auto version = TRY(database.prepare("PRAGMA user_version"));
  TRY(version.step());
  const auto have = static_cast<std::size_t>(version.integer(0));
  if (have <= std::size(migrations)) return have;
  Error error =
      make_error(ErrorCode::unsupported, "the metadata has version {}; this troupe knows {}", have,
                 std::size(migrations));
  error.hint = "a newer troupe wrote it: use that one";
  return error;
}

}  // namespace

Result<> migrate(SqliteDatabase& database, const ClusterName& cluster,
                 const CountTasks& count_tasks) {
  const std::size_t have = TRY(version_of(database));
  if (have == std::size(migrations)) return {};
  return database.transaction([&]() -> Result<> {
    for (std::size_t i = have; i < std::size(migrations); ++i) {
      TRY(database.execute(migrations[i]));
      // SQL can read neither manifests nor plans. This must come before later migrations, which may
      // change the tables again.
      if (i + 1 != counts_version) continue;
      TRY(count_rows(database));
      TRY(count_tasks_of_runs(database, count_tasks));
    }
    TRY(database.execute(fmt::format("PRAGMA user_version = {}", std::size(migrations))));
    return TRY(database.prepare("INSERT OR IGNORE INTO cluster (only_row, id, term, name)"
                                " VALUES (1, lower(hex(randomblob(8))), 0, ?)"))
        .bind(1, cluster.value())
        .run();
  });
}

}  // namespace troupe
