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
/// what is not bound is NULL. Lent by its database, which keeps it prepared: not thread-safe, and
/// must not outlive it.
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
  struct GiveBack {
    SqliteConnection* connection;
    void operator()(sqlite3_stmt* statement) const;
  };
  SqliteStatement(SqliteConnection* connection, sqlite3_stmt* statement)
      : statement_(statement, GiveBack{connection}) {}

  std::unique_ptr<sqlite3_stmt, GiveBack> statement_;
};

/// One connection to a SQLite file. Blocks; not thread-safe: one thread at a time has one.
///
/// The file has a write-ahead log: whoever reads sees the last commit before its first row, and
/// neither waits for a writer nor lets one wait. Writers take turns.
class SqliteDatabase {
 public:
  /// To read and write; made where there is none. Every commit is synced to disk. ":memory:" is a
  /// database of this connection alone.
  static Result<SqliteDatabase> open(const std::string& path);
  /// Of a file that is there. What takes longer than `read_time_max` is ended.
  static Result<SqliteDatabase> open_to_read(const std::string& path);

  SqliteDatabase(SqliteDatabase&&) noexcept;
  ~SqliteDatabase();

  /// Statements without results, separated by semicolons.
  Result<> execute(const std::string& sql);
  /// The same text again is the same statement, prepared once.
  Result<SqliteStatement> prepare(std::string_view sql);
  /// Rows that the last INSERT, UPDATE or DELETE changed.
  std::int64_t changes() const;
  /// Steps that SQLite's machine has made for statements that were given back: how much was read,
  /// whatever the machine it ran on.
  std::uint64_t steps() const;

  /// Runs `work` as one transaction: all of it is durable when this returns ok, nothing of it
  /// otherwise.
  template <class Work>
  Result<> transaction(Work&& work) {
    TRY(run("BEGIN IMMEDIATE"));
    if (Result<> done = work(); !done) {
      // The error that matters is the first one; a failed rollback leaves nothing committed either.
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

/// Statements that a connection keeps prepared; of more, the last ones are not kept.
inline constexpr std::size_t kept_statements_max = 128;
/// What a reader may take for one snapshot.
inline constexpr Duration read_time_max = std::chrono::seconds(1);
/// How long a writer waits for one of another process, which is none of ours: a person's tool.
inline constexpr Duration foreign_writer_wait = std::chrono::seconds(5);

}  // namespace troupe
