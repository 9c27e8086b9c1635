#pragma once

#include "runtime/base/result.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

struct sqlite3;
struct sqlite3_stmt;

namespace troupe {

/// One prepared statement with its current row. Bind from 1, read columns from 0, as SQLite counts.
/// Not thread-safe; must not outlive its database.
class SqliteStatement {
 public:
  SqliteStatement& bind(int index, std::int64_t value);
  SqliteStatement& bind(int index, std::string_view text);
  SqliteStatement& bind_blob(int index, std::string_view bytes);
  SqliteStatement& bind_null(int index);

  /// True: there is a row to read. False: done, and the statement may be bound anew.
  Result<bool> step();
  /// Runs to the end; rows are dropped.
  Result<> run();

  std::int64_t integer(int column) const;
  std::string text(int column) const;  ///< also of a blob: the bytes
  bool is_null(int column) const;

 private:
  friend class SqliteDatabase;
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const;
  };
  SqliteStatement(sqlite3* database, sqlite3_stmt* statement)
      : database_(database), statement_(statement) {}

  sqlite3* database_;
  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
};

/// A SQLite file that one process owns for as long as it is open: an exclusive lock, every commit
/// synced to disk. Blocks; not thread-safe.
class SqliteDatabase {
 public:
  /// Made where there is none. `conflict` where another process has it.
  static Result<SqliteDatabase> open(const std::string& path);

  /// Statements without results, separated by semicolons.
  Result<> execute(const std::string& sql);
  Result<SqliteStatement> prepare(std::string_view sql);
  /// Rows that the last INSERT, UPDATE or DELETE changed.
  std::int64_t changes() const;

  /// Runs `work` as one transaction: all of it is durable when this returns ok, nothing of it
  /// otherwise.
  template <class Work>
  Result<> transaction(Work&& work) {
    TRY(execute("BEGIN IMMEDIATE"));
    if (Result<> done = work(); !done) {
      // The error that matters is the first one; a failed rollback leaves nothing committed either.
      (void)execute("ROLLBACK");
      return done;
    }
    return commit();
  }

 private:
  struct Close {
    void operator()(sqlite3* database) const;
  };
  explicit SqliteDatabase(sqlite3* database) : database_(database) {}
  Result<> commit();

  std::unique_ptr<sqlite3, Close> database_;
};

}  // namespace troupe
