// What a node keeps for itself: nobody else on the machine reads it, whatever the umask, and what
// fails there is the node's fault.
#include "runtime/os/own_files.hpp"

#include "runtime/base/node_fault.hpp"
#include "runtime/os/file_lock.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/faulty_files.hpp"
#include "tests/support/temp_dir.hpp"

#include <sys/stat.h>
#include <unistd.h>

using namespace troupe;

namespace {

/// A umask for as long as it lives.
class Umask {
 public:
  explicit Umask(mode_t mask) : before_(::umask(mask)) {}
  ~Umask() { ::umask(before_); }

 private:
  const mode_t before_;
};

unsigned mode_of(const std::string& path) {
  struct stat info = {};
  REQUIRE(::stat(path.c_str(), &info) == 0);
  return info.st_mode & 0777u;
}

}  // namespace

TEST_CASE("what is made is its owner's alone, whatever the umask") {
  for (const mode_t mask : {0000, 0022, 0077, 0777}) {
    const TempDir dir;
    const std::string top = dir.path() + "/a";
    {
      const Umask umask(mask);
      REQUIRE(own_files().make_directories(top + "/b/"));
      REQUIRE(own_files().create(top + "/b/rows").value()->close());
      REQUIRE(write_atomically(own_files(), top + "/state", "x"));
    }
    CHECK(mode_of(top) == 0700);
    CHECK(mode_of(top + "/b") == 0700);
    CHECK(mode_of(top + "/b/rows") == 0600);
    CHECK(mode_of(top + "/state") == 0600);
    CHECK(exposed_files(own_files(), top)->empty());
  }
}

TEST_CASE("what others may reach is named, wherever it lies") {
  const TempDir dir;
  const std::string top = dir.path() + "/a";
  REQUIRE(own_files().make_directories(top + "/b"));
  REQUIRE(system_files().create(top + "/b/rows").value()->close());
  ::chmod((top + "/b/rows").c_str(), 0640);
  CHECK(*exposed_files(own_files(), top) == std::vector<std::string>{top + "/b/rows"});
  ::chmod(top.c_str(), 0711);
  CHECK(exposed_files(own_files(), top)->size() == 2);
}

TEST_CASE("whatever fails there is the node's fault, and never the user's mistake") {
  const TempDir dir;
  FaultyFiles failing(system_files());
  failing.fail_at(1, FaultyFiles::Fault::dead);
  OwnFiles own(failing);
  auto file = own.create(dir.path() + "/x");
  REQUIRE(file);
  const auto written = (*file)->append("rows");
  REQUIRE_FALSE(written);
  CHECK(is_node_fault(written.error()));
  CHECK(is_node_fault(own.rename("a", "b").error()));
  const auto missing = own_files().read(dir.path() + "/nothing");
  CHECK(is_node_fault(missing.error()));
  CHECK(missing.error().code == ErrorCode::not_found);
  CHECK(is_node_fault(missing.error().within("reading what was kept")));
  CHECK(is_node_fault(own_files().open(dir.path() + "/nothing").error()));
  CHECK(is_node_fault(own_files().read_range(dir.path() + "/nothing", 0, 1).error()));
  const auto forbidden = own_files().make_directories("/proc/nobody/may");
  REQUIRE_FALSE(forbidden);
  CHECK(is_node_fault(forbidden.error()));
  CHECK_FALSE(is_node_fault(system_files().read("/nowhere").error()));
}

TEST_CASE("a lock is one owner's while it lives, and tells who that is") {
  const TempDir dir;
  const std::string path = dir.path() + "/lock";
  {
    const auto first = FileLock::take(path, "node 'a'");
    REQUIRE(first);
    CHECK(mode_of(path) == 0600);
    const auto second = FileLock::take(path, "b");
    REQUIRE_FALSE(second);
    CHECK(second.error().code == ErrorCode::conflict);
    const std::string holder = fmt::format("node 'a', process {}, since 20", ::getpid());
    CHECK(second.error().message.starts_with(holder));
    const auto directory = FileLock::take_directory(dir.path());
    CHECK(directory);
    CHECK(FileLock::take_directory(dir.path()).error().code == ErrorCode::conflict);
  }
  CHECK(FileLock::take(path, "b"));
  CHECK(FileLock::take_directory(dir.path()));
}

TEST_CASE("what the disk knows of a file is passed on") {
  const TempDir dir;
  const std::string file = dir.path() + "/file", link = dir.path() + "/link";
  REQUIRE(write_atomically(own_files(), file, "x"));
  REQUIRE(::symlink(file.c_str(), link.c_str()) == 0);
  CHECK(*own_files().version(file) == *system_files().version(file));
  CHECK(*own_files().follow_links(link) == *system_files().follow_links(link));
}
