#pragma once

#include "runtime/base/result.hpp"
#include "runtime/base/time.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

struct pg_conn;
struct pg_result;

namespace troupe {

/// How to reach a database. A user or a password that is set here wins over one of the URL.
struct PostgresTarget {
  std::string url;  ///< "postgres://user@host:port/database?sslmode=require", or libpq's key=value
  std::string user = {};
  std::string password = {};
};

/// The rows of an answer, as texts.
class PostgresRows {
 public:
  explicit PostgresRows(pg_result* rows) : rows_(rows) {}

  int count() const;
  int columns() const;
  bool is_null(int row, int column) const;
  std::string text(int row, int column) const;      ///< of NULL: ""
  std::int64_t integer(int row, int column) const;  ///< requires a value of a type of integers
  /// Rows that an INSERT, UPDATE or DELETE has changed.
  std::int64_t changed() const;

 private:
  struct Clear {
    void operator()(pg_result* rows) const;
  };
  std::unique_ptr<pg_result, Clear> rows_;
};

/// What PostgreSQL says of a statement that failed.
struct PostgresFailure {
  std::string sqlstate;
  std::string message;
  std::string detail;   ///< 'Key (id)=(7) already exists.'
  std::string context;  ///< 'COPY balances, line 3, column amount: "x"'
  std::string column;
  std::string constraint;
};

/// One connection to PostgreSQL. Its session has limits, so that neither side waits for the other
/// for ever, and commits are synced. Blocks: for an I/O pool. Not thread-safe. A transaction that
/// was not committed goes with it.
///
/// What goes wrong is told by PostgreSQL's own code (`code_of_sqlstate`). A server that cannot be
/// reached, is stopping, is full, or has ended a transaction for the sake of another one, is
/// `unavailable`: the same may succeed later. After an error of COMMIT, it may have taken effect or
/// not. No error has a password in it.
class PostgresConnection {
 public:
  static Result<PostgresConnection> open(const PostgresTarget& target);

  PostgresConnection(PostgresConnection&&) noexcept;
  ~PostgresConnection();

  /// One statement; `$1` stands for the first parameter. Which types those have, the server finds.
  Result<PostgresRows> query(const std::string& sql,
                             const std::vector<std::optional<std::string>>& parameters = {});
  /// A `COPY ... FROM STDIN`, with all its bytes.
  Result<> copy_in(const std::string& sql, std::string_view bytes);

  /// Runs `work` as one transaction: committed if it returns ok, rolled back if not.
  template <class Work>
  Result<> transaction(Work&& work) {
    TRY(query("BEGIN"));
    if (Result<> done = work(); !done) {
      // The first error is the one to tell. What is not rolled back now is when the session ends.
      (void)query("ROLLBACK").ok();
      return done;
    }
    TRY(query("COMMIT"));
    return {};
  }

  /// Of the statement that failed last; nothing where no answer came.
  const std::optional<PostgresFailure>& failure() const { return failure_; }
  /// "host:port/database": for messages.
  const std::string& place() const { return place_; }

 private:
  struct Finish {
    void operator()(pg_conn* connection) const;
  };
  PostgresConnection(pg_conn* connection, std::string place);
  Result<> begin_session();
  Result<> send(std::string_view bytes, Instant deadline);
  Result<> flush(Instant deadline);
  Result<> wait(bool to_write, Instant deadline);
  Result<pg_result*> next(Instant deadline);
  Result<PostgresRows> answer(int wanted, Instant deadline);
  Error refused(const pg_result* answer);
  Error lost();

  std::unique_ptr<pg_conn, Finish> connection_;  ///< null after it was given up
  std::string place_;
  std::optional<PostgresFailure> failure_;
};

/// A name, or a text, as SQL has it: "say ""hi""", 'it''s'.
std::string quoted_name(std::string_view name);

/// What kind of error PostgreSQL tells by this SQLSTATE.
ErrorCode code_of_sqlstate(std::string_view sqlstate);

/// A connection that is not there by then is `unavailable`.
inline constexpr Duration postgres_connect_time_max = std::chrono::seconds(5);
/// How long a statement may take, also to get the bytes of a COPY; and how long a session may do
/// nothing inside of a transaction. A client that froze must not hold its locks for longer.
inline constexpr Duration postgres_statement_time_max = std::chrono::seconds(60);
inline constexpr Duration postgres_idle_time_max = std::chrono::seconds(10);
/// How much longer than a statement may take its answer is waited for: a server that froze ends
/// nothing by itself.
inline constexpr Duration postgres_answer_time_more = std::chrono::seconds(5);

}  // namespace troupe
