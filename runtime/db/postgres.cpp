#include "runtime/db/postgres.hpp"

#include "runtime/os/clock.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <libpq-fe.h>
#include <map>
#include <poll.h>
#include <utility>

namespace troupe {
namespace {

/// Of one call to libpq with bytes of a COPY.
constexpr std::size_t copy_piece_bytes = std::size_t{1} << 18;

constexpr std::string_view url_hint =
    "a URL is postgres://user@host:port/database?sslmode=require; what is special in a part of it "
    "is written as %40";

using Settings = std::map<std::string, std::string>;

/// What libpq says of a text that is none of its URLs may quote it, password and all: it is not
/// told.
Result<Settings> settings_of(const PostgresTarget& target) {
  char* said = nullptr;
  PQconninfoOption* options = PQconninfoParse(target.url.c_str(), &said);
  PQfreemem(said);
  if (options == nullptr) {
    Error error = make_error(ErrorCode::invalid_argument, "the URL of the database cannot be read");
    error.hint = url_hint;
    return error;
  }
  Settings settings;
  for (const PQconninfoOption* one = options; one->keyword != nullptr; ++one) {
    if (one->val != nullptr) settings[one->keyword] = one->val;
  }
  PQconninfoFree(options);
  if (!target.user.empty()) settings["user"] = target.user;
  if (!target.password.empty()) settings["password"] = target.password;
  return settings;
}

std::string place_of(const Settings& settings) {
  const auto get = [&](const char* key) {
    const auto found = settings.find(key);
    return found == settings.end() ? std::string() : found->second;
  };
  const std::string host = get("host").empty() ? get("hostaddr") : get("host");
  const std::string port = get("port").empty() ? "" : ":" + get("port");
  return fmt::format("{}{}/{}", host, port, get("dbname").empty() ? get("user") : get("dbname"));
}

void set_limits(Settings& settings) {
  settings.try_emplace("application_name", "troupe");
  settings["client_encoding"] = "UTF8";
  settings["connect_timeout"] = std::to_string(postgres_connect_time_max / 1s);
  settings["fallback_application_name"] = "troupe";
  // A peer that is gone without a word.
  settings.try_emplace("keepalives_idle", "5");
  settings.try_emplace("keepalives_interval", "5");
  settings.try_emplace("keepalives_count", "2");
}

std::string trimmed(const char* text) {
  std::string line = text == nullptr ? "" : text;
  while (!line.empty() && (line.back() == '\n' || line.back() == ' ')) line.pop_back();
  std::replace(line.begin(), line.end(), '\n', ' ');
  return line;
}

std::string field_of(const pg_result* answer, int field) {
  return trimmed(PQresultErrorField(answer, field));
}

struct ClearResult {
  void operator()(pg_result* answer) const { PQclear(answer); }
};
using OwnedResult = std::unique_ptr<pg_result, ClearResult>;

}  // namespace

ErrorCode code_of_sqlstate(std::string_view sqlstate) {
  struct Known {
    std::string_view begins;
    ErrorCode code;
  };
  // The first that fits. What PostgreSQL may have said otherwise a moment later is `unavailable`.
  static constexpr Known known[] = {
      {"08", ErrorCode::unavailable},     // the connection
      {"25006", ErrorCode::unavailable},  // read only: a standby, before it takes over
      {"25P03", ErrorCode::unavailable},  // we were silent in a transaction for too long
      {"28", ErrorCode::not_allowed},     // who we are
      {"3D", ErrorCode::not_found},       // no such database
      {"3F", ErrorCode::not_found},       // no such schema
      {"40", ErrorCode::unavailable},     // serialization, deadlock: for another one's sake
      {"42501", ErrorCode::not_allowed},  // no right to it
      {"42P01", ErrorCode::not_found},    // no such table
      {"53", ErrorCode::unavailable},     // disk, memory, connections: there are none left
      {"55006", ErrorCode::unavailable},  // in use
      {"55P03", ErrorCode::unavailable},  // locked
      {"57", ErrorCode::unavailable},     // cancelled, timed out, stopping, starting
      {"58", ErrorCode::unavailable},     // its disk fails
      {"XX", ErrorCode::corrupt},         // its data are damaged, or it has a defect
      {"", ErrorCode::invalid_argument},  // a value, a constraint, a name, a type
  };
  for (const Known& one : known) {
    if (sqlstate.starts_with(one.begins)) return one.code;
  }
  return ErrorCode::invalid_argument;
}

std::string quoted_name(std::string_view name) {
  std::string quoted = "\"";
  for (const char letter : name)
    quoted += letter == '"' ? std::string("\"\"") : std::string(1, letter);
  return quoted + "\"";
}

void PostgresRows::Clear::operator()(pg_result* rows) const { PQclear(rows); }
int PostgresRows::count() const { return PQntuples(rows_.get()); }
int PostgresRows::columns() const { return PQnfields(rows_.get()); }
bool PostgresRows::is_null(int row, int column) const {
  return PQgetisnull(rows_.get(), row, column) != 0;
}
std::string PostgresRows::text(int row, int column) const {
  return {PQgetvalue(rows_.get(), row, column),
          static_cast<std::size_t>(PQgetlength(rows_.get(), row, column))};
}
std::int64_t PostgresRows::integer(int row, int column) const {
  const std::string digits = text(row, column);
  std::int64_t number = 0;
  const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  ENSURE(read.ec == std::errc(), "'{}' is no integer", digits);
  return number;
}
std::int64_t PostgresRows::changed() const {
  const std::string digits = PQcmdTuples(rows_.get());
  std::int64_t number = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), number);
  return number;
}

void PostgresConnection::Finish::operator()(pg_conn* connection) const { PQfinish(connection); }

PostgresConnection::PostgresConnection(pg_conn* connection, std::string place)
    : connection_(connection), place_(std::move(place)) {}
PostgresConnection::PostgresConnection(PostgresConnection&&) noexcept = default;
PostgresConnection::~PostgresConnection() = default;

Result<PostgresConnection> PostgresConnection::open(const PostgresTarget& target) {
  Settings settings = TRY(settings_of(target));
  set_limits(settings);
  std::vector<const char*> keys;
  std::vector<const char*> values;
  for (const auto& [key, value] : settings) {
    keys.push_back(key.c_str());
    values.push_back(value.c_str());
  }
  keys.push_back(nullptr);
  values.push_back(nullptr);
  PostgresConnection made(PQconnectdbParams(keys.data(), values.data(), 0), place_of(settings));
  TRY(made.begin_session());
  return made;
}

Result<> PostgresConnection::begin_session() {
  if (PQstatus(connection_.get()) != CONNECTION_OK) {
    // No answer has an SQLSTATE yet, but a server that refuses us says why in a word.
    const std::string said = trimmed(PQerrorMessage(connection_.get()));
    const auto has = [&](const char* part) { return said.find(part) != std::string::npos; };
    const bool us = has("password authentication failed") || has("no password supplied") ||
                    has("no pg_hba.conf entry") || has("authentication failed") ||
                    (has("role \"") && has("does not exist"));
    const bool database = has("database \"") && has("does not exist");
    const ErrorCode code = us         ? ErrorCode::not_allowed
                           : database ? ErrorCode::not_found
                                      : ErrorCode::unavailable;
    return make_error(code, "no connection to PostgreSQL at {}: {}", place_, said);
  }
  PQsetNoticeProcessor(
      connection_.get(), [](void*, const char*) {}, nullptr);
  PQsetnonblocking(connection_.get(), 1);
  TRY(query(
      fmt::format("SELECT set_config('statement_timeout', '{}', false), "
                  "set_config('idle_in_transaction_session_timeout', '{}', false), "
                  "set_config('datestyle', 'ISO', false), set_config('timezone', 'UTC', false), "
                  "set_config('synchronous_commit', CASE current_setting('synchronous_commit') "
                  "WHEN 'off' THEN 'on' WHEN 'local' THEN 'on' "
                  "ELSE current_setting('synchronous_commit') END, false)",
                  postgres_statement_time_max / 1ms, postgres_idle_time_max / 1ms)));
  return {};
}

Result<PostgresRows> PostgresConnection::query(
    const std::string& sql, const std::vector<std::optional<std::string>>& parameters) {
  if (connection_ == nullptr) return lost();
  std::vector<const char*> values;
  for (const auto& one : parameters) values.push_back(one ? one->c_str() : nullptr);
  const int sent =
      PQsendQueryParams(connection_.get(), sql.c_str(), static_cast<int>(values.size()), nullptr,
                        values.data(), nullptr, nullptr, 0);
  if (sent == 0) return lost();
  const Instant deadline =
      system_clock().now() + postgres_statement_time_max + postgres_answer_time_more;
  TRY(flush(deadline));
  return answer(PGRES_TUPLES_OK, deadline);
}

Result<> PostgresConnection::copy_in(const std::string& sql, std::string_view bytes) {
  if (connection_ == nullptr || PQsendQuery(connection_.get(), sql.c_str()) == 0) return lost();
  const Instant deadline =
      system_clock().now() + postgres_statement_time_max + postgres_answer_time_more;
  TRY(flush(deadline));
  const OwnedResult begun(TRY(next(deadline)));
  if (PQresultStatus(begun.get()) != PGRES_COPY_IN) {
    const Error error = refused(begun.get());
    while (connection_ && OwnedResult(TRY(next(deadline)))) {
    }
    return error;
  }
  TRY(send(bytes, deadline));
  TRY(answer(PGRES_COMMAND_OK, deadline));
  return {};
}

Result<> PostgresConnection::send(std::string_view bytes, Instant deadline) {
  while (!bytes.empty()) {
    const std::string_view piece = bytes.substr(0, copy_piece_bytes);
    const int put = PQputCopyData(connection_.get(), piece.data(), static_cast<int>(piece.size()));
    if (put < 0) return lost();
    if (put > 0) bytes.remove_prefix(piece.size());
    TRY(flush(deadline));
  }
  while (true) {
    const int ended = PQputCopyEnd(connection_.get(), nullptr);
    if (ended < 0) return lost();
    TRY(flush(deadline));
    if (ended > 0) return {};
  }
}

/// Reads what comes meanwhile, or a server that writes could never take more.
Result<> PostgresConnection::flush(Instant deadline) {
  while (true) {
    const int rest = PQflush(connection_.get());
    if (rest < 0) return lost();
    if (rest == 0) return {};
    TRY(wait(/*to_write=*/true, deadline));
  }
}

Result<> PostgresConnection::wait(bool to_write, Instant deadline) {
  pollfd socket = {PQsocket(connection_.get()),
                   static_cast<short>(POLLIN | (to_write ? POLLOUT : 0)), 0};
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - system_clock().now());
  const int ready = left.count() <= 0 ? 0 : ::poll(&socket, 1, static_cast<int>(left.count()));
  if (ready < 0 && errno == EINTR) return {};
  if (ready == 0) {
    connection_.reset();
    return make_error(ErrorCode::unavailable, "PostgreSQL at {} does not answer", place_);
  }
  const bool told = (socket.revents & (POLLIN | POLLHUP | POLLERR)) != 0;
  if (told && PQconsumeInput(connection_.get()) == 0) return lost();
  return {};
}

/// The next part of an answer, or null at its end.
Result<pg_result*> PostgresConnection::next(Instant deadline) {
  while (PQisBusy(connection_.get()) != 0) TRY(wait(/*to_write=*/false, deadline));
  return PQgetResult(connection_.get());
}

/// All of an answer to a single statement; its rows, or none.
Result<PostgresRows> PostgresConnection::answer(int wanted, Instant deadline) {
  OwnedResult first;
  while (true) {
    OwnedResult one(TRY(next(deadline)));
    if (!one) break;
    if (!first) first = std::move(one);
  }
  if (!first) return lost();
  const auto status = PQresultStatus(first.get());
  if (status != wanted && status != PGRES_COMMAND_OK) return refused(first.get());
  failure_.reset();
  return PostgresRows(first.release());
}

Error PostgresConnection::refused(const pg_result* answer) {
  PostgresFailure told;
  told.sqlstate = field_of(answer, PG_DIAG_SQLSTATE);
  told.message = field_of(answer, PG_DIAG_MESSAGE_PRIMARY);
  told.detail = field_of(answer, PG_DIAG_MESSAGE_DETAIL);
  told.context = field_of(answer, PG_DIAG_CONTEXT);
  told.column = field_of(answer, PG_DIAG_COLUMN_NAME);
  told.constraint = field_of(answer, PG_DIAG_CONSTRAINT_NAME);
  // The connection broke while the answer was awaited: libpq makes one without a code.
  if (told.sqlstate.empty()) return lost();
  std::string said = told.message;
  if (!told.detail.empty()) said += fmt::format(" ({})", told.detail);
  if (!told.context.empty()) said += fmt::format("; {}", told.context);
  Error error =
      make_error(code_of_sqlstate(told.sqlstate), "{} (SQLSTATE {})", said, told.sqlstate);
  error.hint = field_of(answer, PG_DIAG_MESSAGE_HINT);
  failure_ = std::move(told);
  return error;
}

Error PostgresConnection::lost() {
  failure_.reset();
  const std::string said =
      connection_ ? trimmed(PQerrorMessage(connection_.get())) : std::string("it was given up");
  connection_.reset();
  return make_error(ErrorCode::unavailable, "the connection to PostgreSQL at {} is lost: {}",
                    place_, said);
}

}  // namespace troupe
