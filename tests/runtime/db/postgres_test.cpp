// A connection says what PostgreSQL did, and whether to ask again; it waits for nobody for ever,
// and never tells a password. Shown beside a real server that is stopped, killed and frozen.
#include "runtime/db/postgres.hpp"

#include "runtime/os/clock.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/postgres.hpp"

using namespace troupe;
using test_postgres::target;

namespace {

PostgresConnection connect() {
  auto connection = PostgresConnection::open(target());
  REQUIRE(connection);
  return *std::move(connection);
}

/// The code of what goes wrong with one statement.
ErrorCode code_of(const std::string& sql) {
  auto connection = connect();
  const auto done = connection.query(sql);
  REQUIRE_FALSE(done.ok());
  return done.error().code;
}

struct Restart {
  ~Restart() {
    if (!PostgresConnection::open(target())) test_postgres::server("start");
  }
};

}  // namespace

TEST_CASE("parameters and answers are values, whatever is in them") {
  auto connection = connect();
  const auto rows =
      connection.query("SELECT $1::text, $2::bigint + 1, $3::text", {"it's \"x\"\n", "41", {}});
  REQUIRE(rows);
  CHECK(rows->count() == 1);
  CHECK(rows->text(0, 0) == "it's \"x\"\n");
  CHECK(rows->integer(0, 1) == 42);
  CHECK(rows->is_null(0, 2));
}

TEST_CASE("a transaction is whole or nothing") {
  test_postgres::run({"CREATE TABLE whole (a int PRIMARY KEY)"});
  auto connection = connect();
  const auto insert = [&](int value) -> Result<> {
    TRY(connection.query("INSERT INTO whole VALUES ($1)", {std::to_string(value)}));
    return {};
  };
  const auto failed = connection.transaction([&]() -> Result<> {
    TRY(insert(1));
    return make_error(ErrorCode::internal, "no");
  });
  CHECK(failed.error().message == "no");
  REQUIRE(connection.transaction([&] { return insert(2); }));
  // A statement that is refused ends the transaction, not the connection.
  CHECK_FALSE(connection.transaction([&]() -> Result<> {
    TRY(insert(3));
    return insert(2);
  }));
  REQUIRE(connection.transaction([&] { return insert(4); }));
  CHECK(test_postgres::rows("SELECT a FROM whole ORDER BY a") ==
        std::vector<std::string>{"2", "4"});
}

TEST_CASE("COPY takes any number of bytes, and tells the line that it refuses") {
  test_postgres::run({"CREATE TABLE copied (a int, b text)"});
  auto connection = connect();
  std::string many;
  constexpr int lines = 200'000;
  for (int i = 0; i < lines; ++i) many += fmt::format("{}\tsome text {}\n", i, i);
  REQUIRE(connection.copy_in("COPY copied FROM STDIN", many));
  const auto count = connection.query("SELECT count(*) FROM copied");
  REQUIRE(count);
  CHECK(count->integer(0, 0) == lines);

  const auto refused = connection.copy_in("COPY copied FROM STDIN", "1\tx\nzwei\ty\n");
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().code == ErrorCode::invalid_argument);
  REQUIRE(connection.failure());
  CHECK(connection.failure()->sqlstate == "22P02");
  CHECK(connection.failure()->context == "COPY copied, line 2, column a: \"zwei\"");
  CHECK(connection.copy_in("COPY nowhere FROM STDIN", "1\n").error().code == ErrorCode::not_found);
  REQUIRE(connection.query("SELECT 1"));
  CHECK_FALSE(connection.failure());
}

TEST_CASE("an error says whether the same may succeed later") {
  test_postgres::run({"CREATE TABLE codes (a int PRIMARY KEY, b int NOT NULL)"});
  CHECK(code_of("INSERT INTO codes VALUES (1)") == ErrorCode::invalid_argument);
  CHECK(code_of("INSERT INTO codes VALUES ('x', 1)") == ErrorCode::invalid_argument);
  CHECK(code_of("SELECT c FROM codes") == ErrorCode::invalid_argument);
  CHECK(code_of("SELECT 1 FROM nowhere") == ErrorCode::not_found);
  for (const char* state : {"57P01", "57P03", "08006", "40001", "40P01", "53300", "53100", "57014",
                            "25006", "55P03", "25P03"}) {
    INFO(state);
    CHECK(code_of(fmt::format("DO $$ BEGIN RAISE SQLSTATE '{}'; END $$", state)) ==
          ErrorCode::unavailable);
  }
}

TEST_CASE("a session that holds a transaction and is silent is ended by the server") {
  auto connection = connect();
  const auto limits = connection.query(
      "SELECT current_setting('statement_timeout'), "
      "current_setting('idle_in_transaction_session_timeout'), "
      "current_setting('synchronous_commit')");
  REQUIRE(limits);
  CHECK(limits->text(0, 0) == "1min");
  CHECK(limits->text(0, 1) == "10s");
  CHECK(limits->text(0, 2) == "on");
  REQUIRE(connection.query("SET idle_in_transaction_session_timeout = 1"));
  REQUIRE(connection.query("BEGIN"));
  CHECK(test_postgres::rows("SELECT pg_sleep(0.2)").size() == 1);
  const auto late = connection.query("SELECT 1");
  REQUIRE_FALSE(late.ok());
  CHECK(retryable(late.error().code));
}

TEST_CASE("a server that stops, dies or is not there is unavailable, and serves again later") {
  const Restart restart;
  for (const char* how : {"stop", "kill"}) {
    INFO(how);
    auto connection = connect();
    REQUIRE(connection.query("SELECT 1"));
    test_postgres::server(how);
    const auto lost = connection.query("SELECT 1");
    REQUIRE_FALSE(lost.ok());
    CHECK(lost.error().code == ErrorCode::unavailable);
    CHECK(connection.query("SELECT 1").error().code == ErrorCode::unavailable);
    const auto away = PostgresConnection::open(target());
    REQUIRE_FALSE(away.ok());
    CHECK(away.error().code == ErrorCode::unavailable);
    test_postgres::server("start");
    REQUIRE(connect().query("SELECT 1"));
  }
}

TEST_CASE("nobody waits for a server that is frozen") {
  test_postgres::server("freeze");
  const Instant begin = system_clock().now();
  const auto away = PostgresConnection::open(target());
  test_postgres::server("thaw");
  REQUIRE_FALSE(away.ok());
  CHECK(away.error().code == ErrorCode::unavailable);
  CHECK(system_clock().now() - begin < 2 * postgres_connect_time_max);
}

TEST_CASE("no error tells a password") {
  const std::string secret = "hunter2%zz";
  for (const std::string& url :
       {"postgres://me:" + secret + "@127.0.0.1:1/x", "password=" + secret + " nonsense " + secret,
        secret, std::string("postgres://me:hunter2@127.0.0.1:1/x"),
        std::string("postgres://me@127.0.0.1:1/x?password=hunter2&what=ever")}) {
    const auto failed = PostgresConnection::open({.url = url});
    REQUIRE_FALSE(failed.ok());
    INFO(url << " -> " << failed.error().to_string());
    CHECK(failed.error().to_string().find("hunter2") == std::string::npos);
  }
  const auto refused = PostgresConnection::open(
      {.url = "postgres://127.0.0.1:1/x", .user = "me", .password = secret});
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().to_string().find("hunter2") == std::string::npos);
  CHECK(refused.error().message.find("127.0.0.1:1/x") != std::string::npos);
}
