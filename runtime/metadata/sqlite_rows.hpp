#pragma once

#include "runtime/db/sqlite.hpp"
#include "runtime/metadata/metadata_store.hpp"

#include <string>
#include <vector>

namespace troupe {

// How records lie in the tables of schemas/sql, read and written by the one SQLite store.

Result<> write_record(SqliteDatabase& database, const Record& record, WallTime now);

Result<std::vector<RunImage>> read_open_runs(SqliteDatabase& database);
Result<StoredRun> read_run(SqliteDatabase& database, RunId run);
Result<std::vector<StoredRun>> read_runs(SqliteDatabase& database,
                                         const std::optional<JobName>& job,
                                         std::optional<RunId> before, std::uint32_t limit);
/// All jobs where `job` is empty.
Result<std::vector<StoredJob>> read_jobs(SqliteDatabase& database,
                                         const std::optional<JobName>& job);
Result<std::vector<StoredEvent>> read_events(SqliteDatabase& database,
                                             const std::optional<RunId>& run,
                                             std::uint64_t sequence, std::uint32_t limit);
/// The newest, at most `limit`.
Result<std::vector<Leftover>> read_leftovers(SqliteDatabase& database, std::uint32_t limit);
Result<std::map<NodeId, NodeRecord>> read_nodes(SqliteDatabase& database);
Result<std::map<std::string, RunId>> read_keys(SqliteDatabase& database, std::uint32_t limit);
Result<std::set<RunInterval>> read_intervals(SqliteDatabase& database);

}  // namespace troupe
