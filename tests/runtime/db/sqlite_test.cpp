// The SQLite door: a transaction is all or nothing, who reads and who writes do not wait for each
// other, damage is told.
#include "runtime/db/sqlite.hpp"

#include "runtime/os/file_system.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/temp_dir.hpp"

#include <optional>

using namespace troupe;

namespace {

std::int64_t count(SqliteDatabase& database) {
  auto statement = *database.prepare("SELECT count(*) FROM t");
  REQUIRE(*statement.step());
  return statement.integer(0);
}

}  // namespace

TEST_CASE("values come back as they were bound") {
  TempDir dir;
  auto database = *SqliteDatabase::open(dir.path() + "/db");
  REQUIRE(database.execute("CREATE TABLE t (a, b, c, d)"));
  const std::string bytes("\0x\0", 3);
  REQUIRE(database.prepare("INSERT INTO t VALUES (?, ?, ?, ?)")
              ->bind(1, std::int64_t{-7})
              .bind(2, "it's")
              .bind_blob(3, bytes)
              .bind_null(4)
              .run());
  auto row = *database.prepare("SELECT a, b, c, d FROM t");
  REQUIRE(*row.step());
  CHECK(row.integer(0) == -7);
  CHECK(row.text(1) == "it's");
  CHECK(row.text(2) == bytes);
  CHECK(row.is_null(3));
  CHECK_FALSE(*row.step());
}

TEST_CASE("a transaction that fails leaves nothing") {
  TempDir dir;
  auto database = *SqliteDatabase::open(dir.path() + "/db");
  REQUIRE(database.execute("CREATE TABLE t (a INTEGER PRIMARY KEY)"));
  const auto done = database.transaction([&]() -> Result<> {
    TRY(database.execute("INSERT INTO t VALUES (1)"));
    return database.execute("INSERT INTO t VALUES (1)");
  });
  REQUIRE_FALSE(done);
  CHECK(done.error().code == ErrorCode::already_exists);
  CHECK(count(database) == 0);
  REQUIRE(database.transaction([&] { return database.execute("INSERT INTO t VALUES (1)"); }));
  CHECK(count(database) == 1);
}

TEST_CASE("who reads sees the last commit, while another one writes") {
  TempDir dir;
  const std::string path = dir.path() + "/db";
  auto writer = *SqliteDatabase::open(path);
  REQUIRE(writer.execute("CREATE TABLE t (a); INSERT INTO t VALUES (1)"));
  auto reader = *SqliteDatabase::open_to_read(path);
  REQUIRE(writer.transaction([&]() -> Result<> {
    TRY(writer.execute("INSERT INTO t VALUES (2)"));
    CHECK(count(writer) == 2);
    CHECK(count(reader) == 1);
    return {};
  }));
  CHECK(count(reader) == 2);
  CHECK_FALSE(reader.execute("INSERT INTO t VALUES (3)"));
}

TEST_CASE("all statements of a snapshot see the same commit") {
  TempDir dir;
  const std::string path = dir.path() + "/db";
  auto writer = *SqliteDatabase::open(path);
  REQUIRE(writer.execute("CREATE TABLE t (a)"));
  auto reader = *SqliteDatabase::open_to_read(path);
  const Result<std::int64_t> seen = reader.snapshot([&]() -> Result<std::int64_t> {
    const std::int64_t before = count(reader);
    TRY(writer.execute("INSERT INTO t VALUES (1)"));
    return before + count(reader);
  });
  CHECK(*seen == 0);
  CHECK(count(reader) == 1);
}

TEST_CASE("what is read for too long is ended, and says so; then reading goes on") {
  TempDir dir;
  const std::string path = dir.path() + "/db";
  auto writer = *SqliteDatabase::open(path);
  REQUIRE(writer.execute("CREATE TABLE t (a)"));
  auto reader = *SqliteDatabase::open_to_read(path);
  const Result<> endless = reader.snapshot([&]() -> Result<> {
    return TRY(reader.prepare("WITH RECURSIVE n (i) AS (VALUES (0) UNION ALL SELECT i + 1 FROM n)"
                              " SELECT max(i) FROM n"))
        .run();
  });
  REQUIRE_FALSE(endless);
  CHECK(endless.error().code == ErrorCode::timeout);
  CHECK(*reader.snapshot([&]() -> Result<std::int64_t> { return count(reader); }) == 0);
}

TEST_CASE("a statement is prepared once, and forgets what was bound to it") {
  TempDir dir;
  auto database = *SqliteDatabase::open(dir.path() + "/db");
  const auto answer = [&](std::optional<std::int64_t> value) {
    auto statement = *database.prepare("SELECT ?");
    if (value) statement.bind(1, *value);
    REQUIRE(*statement.step());
    // Another one of the same text, while this one is in use.
    CHECK(database.prepare("SELECT ?")->step().ok());
    return statement.is_null(0) ? -1 : statement.integer(0);
  };
  CHECK(answer(7) == 7);
  CHECK(answer({}) == -1);
  const std::uint64_t before = database.steps();
  CHECK(answer(8) == 8);
  CHECK(database.steps() > before);
}

TEST_CASE("a file that is no database is corrupt, not empty") {
  TempDir dir;
  const std::string path = dir.path() + "/db";
  REQUIRE(write_atomically(system_files(), path, std::string(4096, 'x')));
  const auto opened = SqliteDatabase::open(path);
  REQUIRE_FALSE(opened);
  CHECK(opened.error().code == ErrorCode::corrupt);
}
