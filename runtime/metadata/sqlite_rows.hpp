#pragma once

#include "runtime/db/sqlite.hpp"
#include "runtime/metadata/metadata_store.hpp"

#include <cstdint>
#include <optional>
#include <vector>

namespace troupe {

// Reads and writes records in the tables of schemas/sql, for the one SQLite store. History is read
// by an index, a page at a time.

Result<> write_record(SqliteDatabase& database, const Record& record, WallTime now);

/// The image that a leader starts from: open runs, nodes, leftovers. Of the runs that have ended it
/// reads only those that have left something.
Result<ClusterImage> read_image(SqliteDatabase& database);
Result<Looked> look_up(SqliteDatabase& database, const effect::Look& look);

Result<StoredRun> read_run(SqliteDatabase& database, RunId run);
Result<RunSummary> read_summary(SqliteDatabase& database, RunId run);
Result<std::vector<RunSummary>> read_summaries(SqliteDatabase& database,
                                               const std::optional<JobName>& job,
                                               std::optional<RunId> before, std::uint32_t limit);
Result<std::vector<JobSummary>> read_jobs(SqliteDatabase& database, const JobName& after,
                                          std::uint32_t limit);
Result<StoredJob> read_job(SqliteDatabase& database, const JobName& job);
Result<std::vector<StoredEpoch>> read_epochs(SqliteDatabase& database, RunId run,
                                             std::uint32_t limit);
Result<std::vector<StoredEvent>> read_events(SqliteDatabase& database,
                                             const std::optional<RunId>& run,
                                             std::uint64_t sequence, std::uint32_t limit);

}  // namespace troupe
