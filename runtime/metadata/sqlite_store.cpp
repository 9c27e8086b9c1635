#include "runtime/metadata/sqlite_store.hpp"

#include "runtime/metadata/sqlite_rows.hpp"
#include "runtime/os/file_lock.hpp"

#include <filesystem>
#include <mutex>
#include <optional>
#include <type_traits>
#include <utility>

namespace troupe {
namespace {

constexpr const char* in_memory = ":memory:";

Error taken(const std::string& path, const std::string& by) {
  Error error = make_error(ErrorCode::conflict, "the metadata '{}' is taken: by {}", path, by);
  error.hint = "one coordinator works on a data directory: stop that one, or use another --data";
  return error;
}

Result<std::optional<FileLock>> lock_beside(const std::string& path, const std::string& who) {
  if (path == in_memory) return std::optional<FileLock>();
  auto lock = FileLock::take(std::filesystem::path(path).replace_extension(".lock"), who);
  if (lock) return std::optional<FileLock>(*std::move(lock));
  if (lock.error().code == ErrorCode::conflict) return taken(path, lock.error().message);
  return lock.error();
}

/// An earlier troupe takes no lock beside the file, but locks the file itself as long as it lives.
Result<SqliteDatabase> open_writer(const std::string& path) {
  auto database = SqliteDatabase::open(path);
  if (database || database.error().code != ErrorCode::conflict) return database;
  return taken(path, "another process");
}

/// Two connections to one file, one for each side. A store in memory has only one connection; both
/// sides take turns on it.
class SqliteStore final : public MetadataStore {
 public:
  static Result<std::unique_ptr<MetadataStore>> open(const SqliteStoreSettings& settings,
                                                     const Clock& clock) {
    auto lock = TRY(lock_beside(settings.path, settings.who));
    SqliteDatabase writer = TRY(open_writer(settings.path));
    TRY(migrate(writer, settings.cluster, settings.count_tasks));
    TRY(check_cluster(writer, settings.cluster));
    // Opened last: a reader cannot make the file, nor bring its tables up to date.
    std::optional<SqliteDatabase> reader;
    if (lock) reader.emplace(TRY(SqliteDatabase::open_to_read(settings.path)));
    return std::unique_ptr<MetadataStore>(
        new SqliteStore(std::move(lock), std::move(writer), std::move(reader), clock));
  }

  Result<ClusterImage> begin_term() override {
    ClusterImage image;
    const std::unique_lock turn = take_turn();
    TRY(writer_.transaction([&]() -> Result<> {
      TRY(writer_.execute("UPDATE cluster SET term = term + 1"));
      image = TRY(read_image(writer_));
      return {};
    }));
    return image;
  }

  Result<std::vector<Looked>> carry_out(const StoreSteps& steps) override {
    std::vector<Looked> answers;
    const std::unique_lock turn = take_turn();
    TRY(writer_.transaction([&]() -> Result<> {
      // All steps share one transaction, and one sync of the disk: this is the group commit.
      for (const StoreStep& step : steps) TRY(carry_out(step, answers));
      return {};
    }));
    return answers;
  }

  Result<StoredRun> run(RunId run) override {
    return reading([&](SqliteDatabase& database) { return read_run(database, run); });
  }
  Result<RunSummary> run_summary(RunId run) override {
    return reading([&](SqliteDatabase& database) { return read_summary(database, run); });
  }
  Result<std::vector<RunSummary>> runs(const std::optional<JobName>& job,
                                       std::optional<RunId> before, std::uint32_t limit) override {
    return reading(
        [&](SqliteDatabase& database) { return read_summaries(database, job, before, limit); });
  }
  Result<std::vector<JobSummary>> jobs(const JobName& after, std::uint32_t limit) override {
    return reading([&](SqliteDatabase& database) { return read_jobs(database, after, limit); });
  }
  Result<StoredJob> job(const JobName& job) override {
    return reading([&](SqliteDatabase& database) { return read_job(database, job); });
  }
  Result<std::vector<StoredEpoch>> epochs(RunId run, std::uint32_t limit) override {
    return reading([&](SqliteDatabase& database) { return read_epochs(database, run, limit); });
  }
  Result<std::vector<StoredEvent>> events(const std::optional<RunId>& run, std::uint64_t sequence,
                                          std::uint32_t limit) override {
    return reading(
        [&](SqliteDatabase& database) { return read_events(database, run, sequence, limit); });
  }

 private:
  SqliteStore(std::optional<FileLock> lock, SqliteDatabase writer,
              std::optional<SqliteDatabase> reader, const Clock& clock)
      : lock_(std::move(lock)),
        writer_(std::move(writer)),
        reader_(std::move(reader)),
        clock_(clock) {}

  static Result<> check_cluster(SqliteDatabase& database, const ClusterName& cluster) {
    auto row = TRY(database.prepare("SELECT name FROM cluster"));
    if (!TRY(row.step())) return make_error(ErrorCode::corrupt, "the metadata names no cluster");
    if (row.text(0) == cluster.value()) return {};
    Error error = make_error(ErrorCode::conflict, "the metadata is of cluster '{}', not '{}'",
                             row.text(0), cluster);
    error.hint = "use its cluster's name, or another data directory";
    return error;
  }

  Result<> carry_out(const StoreStep& step, std::vector<Looked>& answers) {
    if (const auto* look = std::get_if<effect::Look>(&step)) {
      answers.push_back(TRY(look_up(writer_, *look)));
      return {};
    }
    for (const Record& record : std::get<effect::Persist>(step).records) {
      if (const auto done = write_record(writer_, record, clock_.wall()); !done) {
        return done.error().within(fmt::format("writing a {} record", name_of(record)));
      }
    }
    return {};
  }

  template <class Read>
  auto reading(Read read) -> std::invoke_result_t<Read, SqliteDatabase&> {
    const std::unique_lock turn = take_turn();
    SqliteDatabase& database = reader_ ? *reader_ : writer_;
    return database.snapshot([&] { return read(database); });
  }

  /// Locks only if both sides share one connection.
  std::unique_lock<std::mutex> take_turn() {
    return reader_ ? std::unique_lock<std::mutex>() : std::unique_lock(turn_);
  }

  // First, so that it is released last: nobody else opens the file before it is closed here.
  const std::optional<FileLock> lock_;
  SqliteDatabase writer_;
  std::optional<SqliteDatabase> reader_;
  std::mutex turn_;
  const Clock& clock_;
};

}  // namespace

Result<std::unique_ptr<MetadataStore>> open_sqlite_store(const SqliteStoreSettings& settings,
                                                         const Clock& clock) {
  return SqliteStore::open(settings, clock);
}

}  // namespace troupe
