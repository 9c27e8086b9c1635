// The door to the disk: what is replaced atomically is never half there, and failures say why.
#include "runtime/os/file_system.hpp"

#include "tests/support/catch.hpp"
#include "tests/support/temp_dir.hpp"

#include <thread>

using namespace troupe;

TEST_CASE("an atomic write replaces the whole content") {
  TempDir dir;
  FileSystem& files = system_files();
  const std::string path = dir.path() + "/state";
  REQUIRE(write_atomically(files, path, "old"));
  REQUIRE(write_atomically(files, path, "new content"));
  CHECK(*files.read(path) == "new content");
  CHECK(files.list(dir.path())->size() == 1);
}

TEST_CASE("two directories change places in one step") {
  TempDir dir;
  FileSystem& files = system_files();
  REQUIRE(files.make_directories(dir.path() + "/a/x"));
  REQUIRE(files.make_directories(dir.path() + "/b/y"));
  REQUIRE(files.exchange(dir.path() + "/a", dir.path() + "/b"));
  CHECK(files.exists(dir.path() + "/a/y"));
  CHECK(files.exists(dir.path() + "/b/x"));
}

TEST_CASE("a rename to a new name leaves what is there alone") {
  TempDir dir;
  FileSystem& files = system_files();
  const std::string mine = dir.path() + "/mine";
  const std::string name = dir.path() + "/name";
  REQUIRE(write_atomically(files, mine, "mine"));
  REQUIRE(write_atomically(files, name, "theirs"));
  CHECK(files.rename_new(mine, name).error().code == ErrorCode::already_exists);
  CHECK(*files.read(name) == "theirs");
  REQUIRE(files.remove_all(name));
  REQUIRE(files.rename_new(mine, name));
  CHECK(*files.read(name) == "mine");
  CHECK_FALSE(files.exists(mine));
}

TEST_CASE("a missing file is not found, by name") {
  const auto read = system_files().read("/nowhere/at/all");
  REQUIRE_FALSE(read);
  CHECK(read.error().code == ErrorCode::not_found);
  CHECK(read.error().message.find("/nowhere/at/all") != std::string::npos);
}

TEST_CASE("a private file is its owner's alone, also where a public one was") {
  TempDir dir;
  FileSystem& files = system_files();
  const std::string path = dir.path() + "/secret";
  REQUIRE(files.create(path).value()->close());
  CHECK_FALSE(*files.is_private(path));
  REQUIRE(files.create_private(path).value()->close());
  CHECK(*files.is_private(path));
}

TEST_CASE("two who remove the same directory at once both succeed") {
  // A run and its attempts are released at once; who comes second must not complain.
  TempDir dir;
  FileSystem& files = system_files();
  for (int round = 0; round < 40; ++round) {
    const std::string top = dir.path() + "/run";
    for (int i = 0; i < 50; ++i) {
      REQUIRE(files.make_directories(fmt::format("{}/a{}/b", top, i)));
    }
    Result<> other;
    std::thread second([&] { other = files.remove_all(top); });
    const Result<> mine = files.remove_all(top);
    second.join();
    CHECK(mine.ok());
    CHECK(other.ok());
    CHECK_FALSE(files.exists(top));
  }
}
