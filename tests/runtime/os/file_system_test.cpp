// The door to the disk: what is replaced atomically is never half there, and failures say why.
#include "runtime/os/file_system.hpp"

#include "runtime/base/node_fault.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/sim_disk.hpp"
#include "tests/support/temp_dir.hpp"

#include <array>
#include <thread>
#include <unistd.h>

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

TEST_CASE("a file is read at any place, and gives less only at its end") {
  TempDir dir;
  sim::Disk memory;  // a disk that can only read the whole
  REQUIRE(memory.make_directories(dir.path()));
  for (FileSystem* files : {&system_files(), static_cast<FileSystem*>(&memory)}) {
    const std::string path = dir.path() + "/digits";
    REQUIRE(write_atomically(*files, path, "0123456789"));
    const auto file = files->open(path);
    REQUIRE(file);
    CHECK(*(*file)->size() == 10);
    std::array<char, 4> bytes;
    const auto at = [&](std::uint64_t offset) {
      return std::string(bytes.data(), (*file)->read_at(offset, bytes).value());
    };
    CHECK(at(3) == "3456");
    CHECK(at(0) == "0123");
    CHECK(at(8) == "89");
    CHECK(at(10).empty());
    CHECK(at(1'000'000).empty());
    CHECK(*files->read_range(path, 7, 2) == "78");
    const auto whole = *(*file)->map();
    REQUIRE(files->remove_all(path));  // what is mapped stays
    CHECK(*whole == "0123456789");
    REQUIRE(write_atomically(*files, path, ""));
    CHECK((*(*files->open(path))->map())->empty());
    REQUIRE(write_atomically(*files, path, "0123456789"));
    CHECK(*files->read_range(path, 7, 20) == "789");
    CHECK(files->open(dir.path() + "/none").error().code == ErrorCode::not_found);
  }
}

TEST_CASE("what is no file to be read at any place is refused when it is opened") {
  FileSystem& files = system_files();
  const auto directory = files.open("/tmp");
  REQUIRE_FALSE(directory);
  CHECK(directory.error().code == ErrorCode::invalid_argument);
  CHECK(directory.error().message == "cannot open '/tmp': Is a directory");
  std::array<int, 2> ends;
  REQUIRE(::pipe(ends.data()) == 0);
  CHECK(files.open(fmt::format("/proc/self/fd/{}", ends[0])).error().code ==
        ErrorCode::unsupported);
  for (const int end : ends) ::close(end);
}

TEST_CASE("a device that fails is its node's fault; a full one and a path that cannot be are not") {
  FileSystem& files = system_files();
  std::array<char, 8> bytes;
  const auto broken = files.open("/proc/self/mem").value()->read_at(0, bytes);
  REQUIRE_FALSE(broken);
  CHECK(broken.error().message == "cannot read '/proc/self/mem': Input/output error");
  CHECK(broken.error().code == ErrorCode::unavailable);
  CHECK(is_node_fault(broken.error()));
  const auto full = files.create("/dev/full").value()->append("rows");
  REQUIRE_FALSE(full);
  CHECK(full.error().message == "cannot write '/dev/full': No space left on device");
  CHECK(full.error().code == ErrorCode::unavailable);
  CHECK_FALSE(is_node_fault(full.error()));
  const auto endless = files.open("/tmp/" + std::string(300, 'x'));
  REQUIRE_FALSE(endless);
  CHECK(endless.error().code == ErrorCode::invalid_argument);
}
