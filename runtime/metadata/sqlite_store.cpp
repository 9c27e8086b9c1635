#include "runtime/metadata/sqlite_store.hpp"

#include "runtime/metadata/migrations.hpp"
#include "runtime/metadata/sqlite_rows.hpp"

#include <iterator>

namespace troupe {
namespace {

class SqliteStore final : public MetadataStore {
 public:
  SqliteStore(SqliteDatabase database, const Clock& clock)
      : database_(std::move(database)), clock_(clock) {}

  Result<> migrate(const ClusterName& cluster) {
    auto version = TRY(database_.prepare("PRAGMA user_version"));
    TRY(version.step());
    const auto have = static_cast<std::size_t>(version.integer(0));
    TRY(version.run());
    if (have > std::size(migrations)) {
      Error error =
          fail(ErrorCode::unsupported, "the metadata has version {}; this troupe knows {}", have,
               std::size(migrations));
      error.hint = "a newer troupe wrote it: use that one";
      return error;
    }
    return database_.transaction([&]() -> Result<> {
      for (std::size_t i = have; i < std::size(migrations); ++i) {
        TRY(database_.execute(migrations[i]));
      }
      TRY(database_.execute(fmt::format("PRAGMA user_version = {}", std::size(migrations))));
      return TRY(database_.prepare("INSERT OR IGNORE INTO cluster (only_row, id, term, name)"
                                   " VALUES (1, lower(hex(randomblob(8))), 0, ?)"))
          .bind(1, cluster.value())
          .run();
    });
  }

  Result<> check_cluster(const ClusterName& cluster) {
    auto row = TRY(database_.prepare("SELECT name FROM cluster"));
    if (!TRY(row.step())) return fail(ErrorCode::corrupt, "the metadata names no cluster");
    if (row.text(0) == cluster.value()) return {};
    Error error = fail(ErrorCode::conflict, "the metadata is of cluster '{}', not '{}'",
                       row.text(0), cluster);
    error.hint = "use its cluster's name, or another data directory";
    return error;
  }

  Result<ClusterImage> begin_term() override {
    ClusterImage image;
    TRY(database_.transaction([&]() -> Result<> {
      TRY(database_.execute("UPDATE cluster SET term = term + 1"));
      auto row = TRY(database_.prepare(
          "SELECT id, term, (SELECT coalesce(max(run), 0) FROM runs) FROM cluster"));
      if (!TRY(row.step())) return fail(ErrorCode::corrupt, "the metadata names no cluster");
      image.cluster = ClusterId(row.text(0));
      image.term = Term(static_cast<std::uint64_t>(row.integer(1)));
      image.last_run = RunId(static_cast<std::uint64_t>(row.integer(2)));
      image.nodes = TRY(read_nodes(database_));
      image.runs = TRY(read_open_runs(database_));
      image.leftovers = TRY(read_leftovers(database_, remembered_leftovers_max));
      image.keys = TRY(read_keys(database_, remembered_keys_max));
      image.intervals = TRY(read_intervals(database_));
      return {};
    }));
    return image;
  }

  Result<> write(const std::vector<Record>& records) override {
    return database_.transaction([&]() -> Result<> {
      for (const Record& record : records) {
        if (const auto done = write_record(database_, record, clock_.wall()); !done) {
          return done.error().within(fmt::format("writing a {} record", name_of(record)));
        }
      }
      return {};
    });
  }

  Result<StoredRun> run(RunId run) override { return read_run(database_, run); }

  Result<std::vector<StoredRun>> runs(const std::optional<JobName>& job,
                                      std::optional<RunId> before, std::uint32_t limit) override {
    return read_runs(database_, job, before, limit);
  }

  Result<std::vector<StoredJob>> jobs() override { return read_jobs(database_, std::nullopt); }

  Result<StoredJob> job(const JobName& job) override {
    auto found = TRY(read_jobs(database_, job));
    if (found.empty()) {
      Error error = fail(ErrorCode::not_found, "there is no job '{}'", job);
      error.hint = "`troupe list` shows them; `troupe apply FILE` stores one";
      return error;
    }
    return std::move(found.front());
  }

  Result<std::vector<StoredEvent>> events(const std::optional<RunId>& run, std::uint64_t sequence,
                                          std::uint32_t limit) override {
    return read_events(database_, run, sequence, limit);
  }

 private:
  SqliteDatabase database_;
  const Clock& clock_;
};

}  // namespace

Result<std::unique_ptr<MetadataStore>> open_sqlite_store(const std::string& path,
                                                         const ClusterName& cluster,
                                                         const Clock& clock) {
  auto store = std::make_unique<SqliteStore>(TRY(SqliteDatabase::open(path)), clock);
  TRY(store->migrate(cluster));
  TRY(store->check_cluster(cluster));
  return std::unique_ptr<MetadataStore>(std::move(store));
}

}  // namespace troupe
