// A source of files is one set of bytes: a file that is another one than when its parts were cut is
// refused, whichever part of it is read, and whenever it changed.
#include "runtime/base/json.hpp"
#include "runtime/operator/source.hpp"
#include "runtime/os/file_system.hpp"
#include "tests/runtime/connectors/connector_runner.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/temp_dir.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace troupe;

namespace {

/// A file of one column, its source, and a split of it.
struct Cut {
  TempDir dir;
  const std::string path = dir.path() + "/in.csv";
  std::shared_ptr<Source> source;
  Split split;

  Cut() {
    write("n\n1\n2\n");
    source = source_of(*plan_connector("read.csv", {{"path", path}}));
    split = source->splits(1)->front();
  }
  void write(const std::string& text) { REQUIRE(write_atomically(system_files(), path, text)); }
};

void check_refused(const Error& error, const Cut& cut) {
  CHECK(error.code == ErrorCode::invalid_argument);
  CHECK(error.message == fmt::format("'{}' was changed while the job was reading it", cut.path));
}

}  // namespace

TEST_CASE("a file that changed since it was cut is not read, also where its size is the same") {
  Cut cut;
  REQUIRE(cut.source->open(cut.split));
  cut.write("n\n3\n4\n");
  const auto opened = cut.source->open(cut.split);
  REQUIRE_FALSE(opened);
  check_refused(opened.error(), cut);
}

TEST_CASE("a file that changes under its reader ends in an error, not in rows of both") {
  Cut cut;
  const auto reader = *cut.source->open(cut.split);
  REQUIRE(reader->next());
  struct stat before;
  REQUIRE(::stat(cut.path.c_str(), &before) == 0);
  const int file = ::open(cut.path.c_str(), O_WRONLY);
  REQUIRE(::pwrite(file, "7", 1, 2) == 1);  // in place: the same inode and size
  const timespec later[2] = {{before.st_atim.tv_sec, 0}, {before.st_mtim.tv_sec + 1, 0}};
  REQUIRE(::futimens(file, later) == 0);  // clocks of file systems tick in milliseconds
  ::close(file);
  const auto end = reader->next();
  REQUIRE_FALSE(end);
  check_refused(end.error(), cut);
}

TEST_CASE("a split that nobody cut is refused") {
  const Cut cut;
  CHECK(cut.source->open(Split{.detail = "nonsense"}).error().code == ErrorCode::corrupt);
}

TEST_CASE("a file that is gone is named") {
  Cut cut;
  REQUIRE(system_files().remove_all(cut.path));
  const auto opened = cut.source->open(cut.split);
  REQUIRE_FALSE(opened);
  CHECK(opened.error().code == ErrorCode::not_found);
  CHECK(opened.error().message.find(cut.path) != std::string::npos);
}
