#include "runtime/db/sqlite.hpp"

#include "runtime/base/node_fault.hpp"
#include "runtime/os/clock.hpp"
#include "runtime/os/own_files.hpp"

#include <sqlite3.h>

#include <map>
#include <optional>
#include <utility>
#include <vector>

namespace troupe {
namespace {

/// SQLite's virtual machine makes so many steps between two looks at the clock.
constexpr int steps_between_looks = 10'000;

Error sqlite_error(sqlite3* database, std::string_view doing) {
  const int code = sqlite3_extended_errcode(database);
  if (code == SQLITE_INTERRUPT) {
    Error error = make_error(ErrorCode::timeout, "reading the metadata took longer than {} s",
                             read_time_max / 1s);
    error.hint = "ask for less at a time";
    return error;
  }
  ErrorCode kind = ErrorCode::unavailable;
  switch (code & 0xff) {
    case SQLITE_CONSTRAINT:
      kind = ErrorCode::already_exists;
      break;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      kind = ErrorCode::conflict;
      break;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      kind = ErrorCode::corrupt;
      break;
    case SQLITE_ERROR:
    case SQLITE_MISUSE:
    case SQLITE_RANGE:
      kind = ErrorCode::internal;
      break;
    default:
      break;
  }
  Error error = make_error(kind, "{}: {} (SQLite {})", doing, sqlite3_errmsg(database), code);
  // The disk is full, read-only or failing, or memory is short: this node is at fault.
  return kind == ErrorCode::unavailable ? node_fault(std::move(error)) : error;
}

}  // namespace

/// The handle, and the prepared statements that nobody has borrowed.
class SqliteConnection {
 public:
  explicit SqliteConnection(sqlite3* handle) : handle_(handle) {}
  SqliteConnection(const SqliteConnection&) = delete;
  ~SqliteConnection() {
    for (const auto& [sql, statement] : idle_) sqlite3_finalize(statement);
    sqlite3_close_v2(handle_);
  }

  sqlite3* handle() const { return handle_; }
  std::uint64_t steps() const { return steps_; }

  Result<sqlite3_stmt*> borrow(std::string_view sql) {
    if (const auto kept = idle_.find(sql); kept != idle_.end()) {
      sqlite3_stmt* statement = kept->second;
      idle_.erase(kept);
      return statement;
    }
    sqlite3_stmt* statement = nullptr;
    if (sqlite3_prepare_v3(handle_, sql.data(), static_cast<int>(sql.size()),
                           SQLITE_PREPARE_PERSISTENT, &statement, nullptr) != SQLITE_OK) {
      return sqlite_error(handle_, "preparing a metadata statement");
    }
    return statement;
  }

  /// Reset at once: a statement that is half read would keep its snapshot, and hold up the log.
  void give_back(sqlite3_stmt* statement) {
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
    steps_ +=
        static_cast<std::uint64_t>(sqlite3_stmt_status(statement, SQLITE_STMTSTATUS_VM_STEP, true));
    if (idle_.size() < kept_statements_max) {
      idle_.emplace(sqlite3_sql(statement), statement);
    } else {
      sqlite3_finalize(statement);
    }
  }

  /// From now on SQLite interrupts a statement that runs later than `most` after `begin_clock`.
  void limit_time(Duration most) {
    most_ = most;
    sqlite3_progress_handler(handle_, steps_between_looks, &SqliteConnection::too_late, this);
  }
  void begin_clock() {
    if (most_) end_at_ = system_clock().now() + *most_;
  }

 private:
  static int too_late(void* self) {
    return system_clock().now() >= static_cast<const SqliteConnection*>(self)->end_at_ ? 1 : 0;
  }

  sqlite3* const handle_;
  /// By their text. A text may be there twice: if it was borrowed twice at a time.
  std::multimap<std::string, sqlite3_stmt*, std::less<>> idle_;
  std::uint64_t steps_ = 0;
  std::optional<Duration> most_;
  Instant end_at_ = Instant::max();
};

// ---- a statement

void SqliteStatement::GiveBack::operator()(sqlite3_stmt* statement) const {
  connection->give_back(statement);
}

SqliteStatement& SqliteStatement::bind(int index, std::int64_t value) {
  ENSURE(sqlite3_bind_int64(statement_.get(), index, value) == SQLITE_OK, "no parameter {}", index);
  return *this;
}

SqliteStatement& SqliteStatement::bind(int index, std::string_view text) {
  const int outcome = sqlite3_bind_text64(statement_.get(), index, text.data(), text.size(),
                                          SQLITE_TRANSIENT, SQLITE_UTF8);
  ENSURE(outcome == SQLITE_OK, "no parameter {}", index);
  return *this;
}

SqliteStatement& SqliteStatement::bind_blob(int index, std::string_view bytes) {
  // A null pointer would bind NULL instead of an empty blob.
  const int outcome = sqlite3_bind_blob64(
      statement_.get(), index, bytes.empty() ? "" : bytes.data(), bytes.size(), SQLITE_TRANSIENT);
  ENSURE(outcome == SQLITE_OK, "no parameter {}", index);
  return *this;
}

SqliteStatement& SqliteStatement::bind_null(int index) {
  ENSURE(sqlite3_bind_null(statement_.get(), index) == SQLITE_OK, "no parameter {}", index);
  return *this;
}

Result<bool> SqliteStatement::step() {
  const int outcome = sqlite3_step(statement_.get());
  if (outcome == SQLITE_ROW) return true;
  const Result<bool> result =
      outcome == SQLITE_DONE
          ? Result<bool>(false)
          : Result<bool>(sqlite_error(sqlite3_db_handle(statement_.get()), "metadata statement"));
  sqlite3_reset(statement_.get());
  return result;
}

Result<> SqliteStatement::run() {
  while (TRY(step())) {
  }
  return {};
}

std::int64_t SqliteStatement::integer(int column) const {
  return sqlite3_column_int64(statement_.get(), column);
}

std::string SqliteStatement::text(int column) const {
  const void* bytes = sqlite3_column_blob(statement_.get(), column);
  const int size = sqlite3_column_bytes(statement_.get(), column);
  return bytes ? std::string(static_cast<const char*>(bytes), static_cast<std::size_t>(size)) : "";
}

bool SqliteStatement::is_null(int column) const {
  return sqlite3_column_type(statement_.get(), column) == SQLITE_NULL;
}

// ---- a database

SqliteDatabase::SqliteDatabase(std::unique_ptr<SqliteConnection> connection)
    : connection_(std::move(connection)) {}
SqliteDatabase::SqliteDatabase(SqliteDatabase&&) noexcept = default;
SqliteDatabase::~SqliteDatabase() = default;

Result<SqliteDatabase> SqliteDatabase::connect(const std::string& path, int flags) {
  sqlite3* handle = nullptr;
  const int outcome = sqlite3_open_v2(path.c_str(), &handle, flags, nullptr);
  SqliteDatabase database(std::make_unique<SqliteConnection>(handle));
  if (outcome != SQLITE_OK) return sqlite_error(handle, "opening '" + path + "'");
  sqlite3_extended_result_codes(handle, 1);
  sqlite3_busy_timeout(handle, static_cast<int>(foreign_writer_wait / 1ms));
  return database;
}

Result<SqliteDatabase> SqliteDatabase::open(const std::string& path) {
  // Only the owner may read the file. We create it, for SQLite would give it the umask's mode; the
  // files that SQLite puts beside it get the same mode.
  const bool on_disk = path != ":memory:";
  if (on_disk && !own_files().exists(path)) TRY(TRY(own_files().create(path))->close());
  SqliteDatabase database = TRY(connect(path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE));
  for (const char* pragma :
       {"PRAGMA synchronous=FULL", "PRAGMA foreign_keys=ON", "PRAGMA trusted_schema=OFF"}) {
    if (const auto done = database.execute(pragma); !done) {
      return done.error().within("opening '" + path + "'");
    }
  }
  if (on_disk) TRY(database.log_ahead(path));
  return database;
}

/// Turns on the write-ahead log: without it, readers and writers would wait for each other.
Result<> SqliteDatabase::log_ahead(const std::string& path) {
  auto mode = TRY(prepare("PRAGMA journal_mode=WAL"));
  const auto answered = mode.step();
  if (!answered) return answered.error().within("opening '" + path + "'");
  if (mode.text(0) == "wal") return {};
  Error error =
      make_error(ErrorCode::unsupported,
                 "'{}' is on a file system without shared memory, which the log of a database "
                 "needs",
                 path);
  error.hint = "keep the data directory on a disk of this machine";
  return error;
}

Result<SqliteDatabase> SqliteDatabase::open_to_read(const std::string& path) {
  SqliteDatabase database = TRY(connect(path, SQLITE_OPEN_READONLY));
  TRY(database.execute("PRAGMA trusted_schema=OFF"));
  database.connection_->limit_time(read_time_max);
  return database;
}

Result<> SqliteDatabase::execute(const std::string& sql) {
  sqlite3* handle = connection_->handle();
  if (sqlite3_exec(handle, sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) {
    return sqlite_error(handle, "metadata statement");
  }
  return {};
}

Result<SqliteStatement> SqliteDatabase::prepare(std::string_view sql) {
  return SqliteStatement(connection_.get(), TRY(connection_->borrow(sql)));
}

std::int64_t SqliteDatabase::changes() const { return sqlite3_changes64(connection_->handle()); }

std::uint64_t SqliteDatabase::steps() const { return connection_->steps(); }

Result<> SqliteDatabase::run(std::string_view sql) { return TRY(prepare(sql)).run(); }

Result<> SqliteDatabase::begin_snapshot() {
  connection_->begin_clock();
  return run("BEGIN");
}

Result<> SqliteDatabase::commit() {
  Result<> done = run("COMMIT");
  if (!done) (void)run("ROLLBACK");
  return done;
}

}  // namespace troupe
