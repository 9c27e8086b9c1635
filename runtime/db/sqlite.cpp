#include "runtime/db/sqlite.hpp"

#include "runtime/base/node_fault.hpp"
#include "runtime/os/own_files.hpp"

#include <sqlite3.h>

namespace troupe {
namespace {

Error sqlite_error(sqlite3* database, std::string_view doing) {
  const int code = sqlite3_extended_errcode(database);
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
  Error error = fail(kind, "{}: {} (SQLite {})", doing, sqlite3_errmsg(database), code);
  // Full, read-only, cannot be opened or read, no memory.
  return kind == ErrorCode::unavailable ? node_fault(std::move(error)) : error;
}

}  // namespace

void SqliteStatement::Finalize::operator()(sqlite3_stmt* statement) const {
  sqlite3_finalize(statement);
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
  // A null pointer would bind NULL; no bytes are an empty blob.
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
  const Result<bool> result = outcome == SQLITE_DONE
                                  ? Result<bool>(false)
                                  : Result<bool>(sqlite_error(database_, "metadata statement"));
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

void SqliteDatabase::Close::operator()(sqlite3* database) const { sqlite3_close_v2(database); }

Result<SqliteDatabase> SqliteDatabase::open(const std::string& path) {
  // The file and what SQLite puts beside it, which takes its mode from it, are their owner's alone.
  const bool on_disk = path != ":memory:";
  if (on_disk && !own_files().exists(path)) TRY(TRY(own_files().create(path))->close());
  sqlite3* handle = nullptr;
  const int outcome =
      sqlite3_open_v2(path.c_str(), &handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, nullptr);
  SqliteDatabase database(handle);
  if (outcome != SQLITE_OK) return sqlite_error(handle, "opening '" + path + "'");
  sqlite3_extended_result_codes(handle, 1);
  // In exclusive mode the write-ahead log needs no shared memory, and the first write takes the
  // lock for as long as the file is open: two coordinators can not work on one directory.
  for (const char* pragma :
       {"PRAGMA locking_mode=EXCLUSIVE", "PRAGMA journal_mode=WAL", "PRAGMA synchronous=FULL",
        "PRAGMA foreign_keys=ON", "PRAGMA trusted_schema=OFF", "BEGIN EXCLUSIVE", "COMMIT"}) {
    if (const auto done = database.execute(pragma); !done) {
      Error error = done.error().within("opening '" + path + "'");
      if (error.code == ErrorCode::conflict) {
        error.message = fmt::format("another process owns '{}'", path);
        error.hint = "one coordinator works on a data directory: stop the other, or use --data";
      }
      return error;
    }
  }
  return database;
}

Result<> SqliteDatabase::execute(const std::string& sql) {
  if (sqlite3_exec(database_.get(), sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) {
    return sqlite_error(database_.get(), "metadata statement");
  }
  return {};
}

Result<SqliteStatement> SqliteDatabase::prepare(std::string_view sql) {
  sqlite3_stmt* statement = nullptr;
  if (sqlite3_prepare_v2(database_.get(), sql.data(), static_cast<int>(sql.size()), &statement,
                         nullptr) != SQLITE_OK) {
    return sqlite_error(database_.get(), "preparing a metadata statement");
  }
  return SqliteStatement(database_.get(), statement);
}

std::int64_t SqliteDatabase::changes() const { return sqlite3_changes64(database_.get()); }

Result<> SqliteDatabase::commit() {
  Result<> done = execute("COMMIT");
  if (!done) (void)execute("ROLLBACK");
  return done;
}

}  // namespace troupe
