// The SQLite door: a transaction is all or nothing, one process owns the file, damage is told.
#include "runtime/db/sqlite.hpp"

#include "runtime/os/file_system.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/temp_dir.hpp"

#include <sys/wait.h>
#include <unistd.h>

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

TEST_CASE("a second process is told that the file is taken") {
  TempDir dir;
  const std::string path = dir.path() + "/db";
  auto database = *SqliteDatabase::open(path);
  const pid_t child = fork();
  if (child == 0) {
    const auto second = SqliteDatabase::open(path);
    _exit(!second && second.error().code == ErrorCode::conflict ? 0 : 1);
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  CHECK(WEXITSTATUS(status) == 0);
}

TEST_CASE("a file that is no database is corrupt, not empty") {
  TempDir dir;
  const std::string path = dir.path() + "/db";
  REQUIRE(write_atomically(system_files(), path, std::string(4096, 'x')));
  const auto opened = SqliteDatabase::open(path);
  REQUIRE_FALSE(opened);
  CHECK(opened.error().code == ErrorCode::corrupt);
}
