#pragma once

#include "runtime/connectors/staged_rows.hpp"
#include "runtime/db/postgres.hpp"
#include "runtime/operator/sink.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace troupe {

/// A table of PostgreSQL that a sink commits to, an epoch a transaction.
///
/// The rows and the marker's row in `troupe_commits` change together: so whoever does it again, on
/// any node, also at the same time, finds out whether it is done. The row of the marker is locked
/// first; a second one waits for it, and sees what the first one has done.
class PostgresTable {
 public:
  enum class Mode {
    append,
    /// A row replaces the one of its key. A row with a negative weight takes one back: what is left
    /// of the key's rows is put in, or the key is deleted.
    upsert,
  };
  struct Settings {
    std::string table;                 ///< "balances", "ledger.balances"
    std::vector<std::string> columns;  ///< of the staged rows, in their order
    Mode mode = Mode::append;
    std::vector<std::string> key = {};  ///< of `upsert`
    std::string epoch_column = {};      ///< gets the number of the epoch; empty: none
  };

  explicit PostgresTable(Settings settings) : settings_(std::move(settings)) {}

  /// Finds out before the first row what a commit would meet after the last one: that the table is
  /// there, has the columns, asks for no others, and for `upsert` that the key is one. Errors have
  /// the path "table", "key" or "epoch_column".
  Result<> check(PostgresConnection& connection) const;
  /// Makes the table of markers where it is not there.
  static Result<> make_markers(PostgresConnection& connection);
  /// What `Sink::commit` says. A row that the table does not take is `invalid_argument`, and named.
  Result<> commit(PostgresConnection& connection, const SinkCommit& what,
                  const std::vector<Committable>& staged, FileSystem& files) const;

 private:
  struct Column;
  Result<> check_columns(const std::vector<Column>& found) const;
  Result<> check_key(PostgresConnection& connection) const;
  Result<> apply(PostgresConnection& connection, const SinkCommit& what,
                 const std::vector<StagedRows>& staged, FileSystem& files) const;
  Result<> append(PostgresConnection& connection, Epoch epoch,
                  const std::vector<StagedRows>& staged, FileSystem& files) const;
  Result<> upsert(PostgresConnection& connection, Epoch epoch,
                  const std::vector<StagedRows>& staged, FileSystem& files) const;
  Result<> put_in(PostgresConnection& connection, Epoch epoch) const;
  Error refusal(const PostgresConnection& connection, Error error, std::string_view lines) const;
  std::string quoted_table() const;

  const Settings settings_;
};

}  // namespace troupe
