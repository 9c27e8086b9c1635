#pragma once

#include "runtime/base/result.hpp"
#include "runtime/base/time.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

struct sqlite3_stmt;

namespace troupe {

class SqliteConnection;

/// One prepared statement with its current row. Bind from 1, read columns from 0, as SQLite counts;
/// a parameter that is not bound is NULL. Its database lends it, and keeps it prepared afterwards.
/// Not thread-safe; must not outlive the database.
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
  std::string text(int column) const;  ///< of a blob: its bytes
  bool is_null(int column) const;

 private:
  friend class SqliteDatabase;
  struct GiveBack {
    SqliteConnection* connection;
    void operator()(sqlite3_stmt* statement) const;
  };
  SqliteStatement(SqliteConnection* connection, sqlite3_stmt* statement)
      : statement_(statement, GiveBack{connection}) {}

  std::unique_ptr<sqlite3_stmt, GiveBack> statement_;
};

/// One connection to a SQLite file. Blocks; not thread-safe: one thread at a time may use it.
///
/// The file has a write-ahead log: a reader sees the last commit before its first row, and readers
/// and writers do not wait for each other. Writers take turns.
class SqliteDatabase {
 public:
  /// Opens to read and write; makes the file if there is none. Every commit is synced to disk.
  /// ":memory:" is a database of this connection alone.
  static Result<SqliteDatabase> open(const std::string& path);
  /// Opens an existing file. A snapshot that takes longer than `read_time_max` ends with `timeout`.
  static Result<SqliteDatabase> open_to_read(const std::string& path);

  SqliteDatabase(SqliteDatabase&&) noexcept;
  ~SqliteDatabase();

  /// Statements without results, separated by semicolons.
  Result<> execute(const std::string& sql);
  /// Prepares a text once: the same text again gets the kept statement.
  Result<SqliteStatement> prepare(std::string_view sql);
  /// Rows that the last INSERT, UPDATE or DELETE changed.
  std::int64_t changes() const;
  /// Steps that SQLite's virtual machine has made for statements that were given back: a measure of
  /// work that is the same on every computer.
  std::uint64_t steps() const;

  /// Runs `work` as one transaction: all of it is durable when this returns ok, nothing of it
  /// otherwise.
  template <class Work>
  Result<> transaction(Work&& work) {
    // Takes the write lock at once: a transaction that first reads could lose it half way.
    TRY(run("BEGIN IMMEDIATE"));
    if (Result<> done = work(); !done) {
      // The first error is the one to tell; even if the rollback fails, nothing is committed.
      (void)run("ROLLBACK");
      return done;
    }
    return commit();
  }

  /// Runs `work`, which only reads: all its statements see the same commit.
  template <class Work>
  auto snapshot(Work&& work) -> decltype(work()) {
    TRY(begin_snapshot());
    auto outcome = work();
    (void)run("ROLLBACK");
    return outcome;
  }

 private:
  explicit SqliteDatabase(std::unique_ptr<SqliteConnection> connection);
  static Result<SqliteDatabase> connect(const std::string& path, int flags);
  Result<> run(std::string_view sql);
  Result<> begin_snapshot();
  Result<> log_ahead(const std::string& path);
  Result<> commit();

  std::unique_ptr<SqliteConnection> connection_;
};

/// Statements that a connection keeps prepared; beyond that it keeps no new ones.
inline constexpr std::size_t kept_statements_max = 128;
/// Time that a reader may take for one snapshot.
inline constexpr Duration read_time_max = std::chrono::seconds(1);
/// How long a writer waits for one in another process. That is no troupe, but a person's tool.
inline constexpr Duration foreign_writer_wait = std::chrono::seconds(5);

}  // namespace troupe
