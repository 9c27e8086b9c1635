#include "runtime/connectors/postgres_table.hpp"

#include "runtime/base/near.hpp"
#include "runtime/connectors/copy_text.hpp"

#include <algorithm>
#include <charconv>

namespace troupe {
namespace {

constexpr const char* rows_table = "pg_temp.troupe_rows";
constexpr const char* net_table = "pg_temp.troupe_net";

/// Each of the names by `make`, with commas between.
template <class Make>
std::string listed(const std::vector<std::string>& names, const Make& make) {
  std::vector<std::string> parts;
  for (const std::string& name : names) parts.push_back(make(quoted_name(name)));
  return fmt::format("{}", fmt::join(parts, ", "));
}

std::string listed(const std::vector<std::string>& names) {
  return listed(names, [](const std::string& name) { return name; });
}

/// "COPY balances, line 3, column amount" -> 3; 0 where it names none.
std::size_t line_of(std::string_view context) {
  constexpr std::string_view before = ", line ";
  const auto at = context.find(before);
  std::size_t line = 0;
  if (at != std::string_view::npos) {
    const char* digits = context.data() + at + before.size();
    std::from_chars(digits, context.data() + context.size(), line);
  }
  return line;
}

}  // namespace

struct PostgresTable::Column {
  std::string name;
  bool needed = false;  ///< not null, and nothing else gives it a value
};

std::string PostgresTable::quoted_table() const {
  const auto dot = settings_.table.find('.');
  if (dot == std::string::npos) return quoted_name(settings_.table);
  return quoted_name(settings_.table.substr(0, dot)) + "." +
         quoted_name(settings_.table.substr(dot + 1));
}

Result<> PostgresTable::make_markers(PostgresConnection& connection) {
  const auto there = TRY(connection.query("SELECT to_regclass('troupe_commits') IS NOT NULL"));
  if (there.text(0, 0) == "t") return {};
  const auto made = connection.query(
      "CREATE TABLE IF NOT EXISTS troupe_commits (marker text PRIMARY KEY, epoch bigint NOT NULL, "
      "rows bigint NOT NULL, committed_at timestamptz NOT NULL)");
  if (made) return {};
  // Two that make it at the same moment may get in each other's way.
  const auto now = connection.query("SELECT to_regclass('troupe_commits') IS NOT NULL");
  if (now && now->text(0, 0) == "t") return {};
  Error error = made.error().within("making the table troupe_commits");
  error.hint =
      "CREATE TABLE troupe_commits (marker text PRIMARY KEY, epoch bigint NOT NULL, rows bigint "
      "NOT NULL, committed_at timestamptz NOT NULL), and let the user insert, select and update";
  return error;
}

Result<> PostgresTable::check(PostgresConnection& connection) const {
  const auto there = TRY(connection.query(
      "SELECT to_regclass($1), has_table_privilege(to_regclass($1), 'INSERT')", {quoted_table()}));
  if (there.is_null(0, 0)) {
    Error error = make_error(ErrorCode::not_found, "there is no table '{}' in {}", settings_.table,
                             connection.place());
    error.hint = "make it before the job; names are taken as they are written, letter for letter";
    return error.at("table");
  }
  if (there.text(0, 1) == "f") {
    return make_error(ErrorCode::not_allowed, "the user may not insert into the table '{}'",
                      settings_.table)
        .at("table");
  }
  const auto rows = TRY(connection.query(
      "SELECT attname, attnotnull AND NOT atthasdef AND attidentity = '' FROM pg_attribute "
      "WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped",
      {quoted_table()}));
  std::vector<Column> found;
  for (int row = 0; row < rows.count(); ++row) {
    found.push_back({rows.text(row, 0), rows.text(row, 1) == "t"});
  }
  TRY(check_columns(found));
  return settings_.mode == Mode::upsert ? check_key(connection) : Result<>();
}

Result<> PostgresTable::check_columns(const std::vector<Column>& found) const {
  std::vector<std::string> names;
  for (const Column& column : found) names.push_back(column.name);
  std::vector<std::string> ours = settings_.columns;
  if (!settings_.epoch_column.empty()) ours.push_back(settings_.epoch_column);
  for (const std::string& name : ours) {
    if (std::count(names.begin(), names.end(), name)) continue;
    Error error = unknown_column(
        fmt::format("the table '{}' has no column '{}'", settings_.table, name), name, names);
    if (error.hint.empty()) error.hint = fmt::format("it has: {}", fmt::join(names, ", "));
    return error.at(name == settings_.epoch_column ? "epoch_column" : "table");
  }
  for (const Column& column : found) {
    if (!column.needed || std::count(ours.begin(), ours.end(), column.name)) continue;
    Error error =
        make_error(ErrorCode::invalid_argument,
                   "the table '{}' wants a value for '{}', and the rows have no such column",
                   settings_.table, column.name);
    error.hint = fmt::format("the rows have: {}", fmt::join(ours, ", "));
    return error.at("table");
  }
  return {};
}

Result<> PostgresTable::check_key(PostgresConnection& connection) const {
  const auto rows = TRY(connection.query(
      "SELECT string_agg(attname, E'\\n' ORDER BY attname) FROM pg_index, pg_attribute "
      "WHERE indrelid = to_regclass($1) AND indisunique AND indisvalid AND indimmediate "
      "AND indpred IS NULL AND indexprs IS NULL AND attrelid = indrelid "
      "AND attnum = ANY ((indkey::int2[])[0:indnkeyatts - 1]) GROUP BY indexrelid",
      {quoted_table()}));
  std::vector<std::string> key = settings_.key;
  std::sort(key.begin(), key.end());
  const std::string wanted = fmt::format("{}", fmt::join(key, "\n"));
  for (int row = 0; row < rows.count(); ++row) {
    if (rows.text(row, 0) == wanted) return {};
  }
  Error error = make_error(ErrorCode::invalid_argument,
                           "the table '{}' has no primary key or unique index of exactly ({})",
                           settings_.table, fmt::join(settings_.key, ", "));
  error.hint = fmt::format("CREATE UNIQUE INDEX ON {} ({}), or name the table's key",
                           quoted_table(), listed(settings_.key));
  return error.at("key");
}

Result<> PostgresTable::commit(PostgresConnection& connection, const SinkCommit& what,
                               const std::vector<Committable>& staged, FileSystem& files) const {
  std::vector<StagedRows> rows;
  std::int64_t count = 0;
  for (const Committable& one : staged) {
    rows.push_back(TRY(StagedRows::parse(one.detail)));
    count += one.rows;
  }
  TRY(make_markers(connection));
  return connection.transaction([&]() -> Result<> {
    TRY(
        connection.query("INSERT INTO troupe_commits VALUES ($1, 0, 0, now()) "
                         "ON CONFLICT (marker) DO NOTHING",
                         {what.marker}));
    const auto marker = TRY(connection.query(
        "SELECT epoch FROM troupe_commits WHERE marker = $1 FOR UPDATE", {what.marker}));
    const Epoch there(static_cast<std::uint64_t>(marker.integer(0, 0)));
    if (there >= what.epoch) return {};
    if (there != what.previous) {
      return make_error(
          ErrorCode::conflict,
          "the database says that epoch {} of '{}' was committed last, but it was {}: "
          "its rows would be lost or doubled",
          there.value(), settings_.table, what.previous.value());
    }
    TRY(apply(connection, what, rows, files));
    TRY(
        connection.query("UPDATE troupe_commits SET epoch = $2, rows = rows + $3, "
                         "committed_at = now() WHERE marker = $1",
                         {what.marker, std::to_string(what.epoch.value()), std::to_string(count)}));
    return {};
  });
}

Result<> PostgresTable::apply(PostgresConnection& connection, const SinkCommit& what,
                              const std::vector<StagedRows>& staged, FileSystem& files) const {
  if (staged.empty()) return {};
  return settings_.mode == Mode::append ? append(connection, what.epoch, staged, files)
                                        : upsert(connection, what.epoch, staged, files);
}

Result<> PostgresTable::append(PostgresConnection& connection, Epoch epoch,
                               const std::vector<StagedRows>& staged, FileSystem& files) const {
  std::vector<std::string> columns = settings_.columns;
  const bool numbered = !settings_.epoch_column.empty();
  if (numbered) columns.push_back(settings_.epoch_column);
  const std::string copy = fmt::format("COPY {} ({}) FROM STDIN", quoted_table(), listed(columns));
  for (const StagedRows& rows : staged) {
    TRY(rows.read(files, [&](std::string_view lines) -> Result<> {
      std::string text = without_last_value(lines);
      if (numbered) text = with_last_value(text, std::to_string(epoch.value()));
      const Result<> copied = connection.copy_in(copy, text);
      return copied ? copied : refusal(connection, copied.error(), text);
    }));
  }
  return {};
}

/// The rows come into a table of this session first. PostgreSQL then works on all of them at once.
Result<> PostgresTable::upsert(PostgresConnection& connection, Epoch epoch,
                               const std::vector<StagedRows>& staged, FileSystem& files) const {
  TRY(
      connection.query(fmt::format("CREATE TEMP TABLE troupe_rows ON COMMIT DROP AS SELECT {} FROM "
                                   "{} WITH NO DATA",
                                   listed(settings_.columns), quoted_table())));
  TRY(
      connection.query(fmt::format("ALTER TABLE {} ADD \"#weight\" bigint, ADD \"#number\" bigint "
                                   "GENERATED ALWAYS AS IDENTITY",
                                   rows_table)));
  const std::string copy =
      fmt::format("COPY {} ({}, \"#weight\") FROM STDIN", rows_table, listed(settings_.columns));
  for (const StagedRows& rows : staged) {
    TRY(rows.read(files, [&](std::string_view lines) -> Result<> {
      const Result<> copied = connection.copy_in(copy, lines);
      return copied ? copied : refusal(connection, copied.error(), lines);
    }));
  }
  const Result<> put = put_in(connection, epoch);
  return put ? put : refusal(connection, put.error(), "");
}

/// Weights of equal rows add up, whatever order they came in, and what comes to nothing changes
/// nothing; of a key's rows that are left, the last one counts. Rows are equal if their texts are:
/// some types know no other equality.
Result<> PostgresTable::put_in(PostgresConnection& connection, Epoch epoch) const {
  // Nobody waits for our bytes any more, and how long the server takes is its own affair.
  TRY(connection.query("SET LOCAL statement_timeout = 0"));
  const std::string columns = listed(settings_.columns);
  const std::string key = listed(settings_.key);
  TRY(connection.query(fmt::format(
      "CREATE TEMP TABLE troupe_net ON COMMIT DROP AS SELECT DISTINCT ON ({1}) {0}, "
      "\"#net\" > 0 AS \"#there\" FROM (SELECT *, sum(\"#weight\") OVER (PARTITION BY {1}, "
      "ROW({0})::text) AS \"#net\" FROM {2}) summed WHERE \"#net\" <> 0 "
      "ORDER BY {1}, \"#net\" > 0 DESC, \"#number\" DESC",
      columns, key, rows_table)));
  std::vector<std::string> same;
  std::vector<std::string> rest;
  for (const std::string& name : settings_.key) {
    same.push_back(fmt::format("old.{0} = net.{0}", quoted_name(name)));
  }
  for (const std::string& name : settings_.columns) {
    if (!std::count(settings_.key.begin(), settings_.key.end(), name)) rest.push_back(name);
  }
  TRY(connection.query(
      fmt::format("DELETE FROM {} old USING {} net WHERE NOT net.\"#there\" AND {}", quoted_table(),
                  net_table, fmt::join(same, " AND "))));
  std::string into = columns;
  std::string values = columns;
  if (!settings_.epoch_column.empty()) {
    rest.push_back(settings_.epoch_column);
    into += ", " + quoted_name(settings_.epoch_column);
    values += fmt::format(", {}", epoch.value());
  }
  const std::string set =
      listed(rest, [](const std::string& name) { return fmt::format("{0} = EXCLUDED.{0}", name); });
  TRY(connection.query(
      fmt::format("INSERT INTO {} ({}) SELECT {} FROM {} WHERE \"#there\" ON CONFLICT ({}) DO {}",
                  quoted_table(), into, values, net_table, key,
                  rest.empty() ? "NOTHING" : "UPDATE SET " + set)));
  return {};
}

/// What PostgreSQL refuses for good, with the table and the row.
Error PostgresTable::refusal(const PostgresConnection& connection, Error error,
                             std::string_view lines) const {
  if (retryable(error.code)) return error;
  const auto& told = connection.failure();
  const std::string row = told ? shown_line(lines, line_of(told->context)) : std::string();
  Error named = error.within(fmt::format("the table '{}' does not take a row", settings_.table));
  if (!row.empty()) named.message += fmt::format("; the row: {}", row);
  return named;
}

}  // namespace troupe
