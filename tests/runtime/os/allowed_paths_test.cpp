// What jobs may touch is judged by where a path leads, not by how it is written.
#include "runtime/os/allowed_paths.hpp"

#include "runtime/os/file_system.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/temp_dir.hpp"

#include <filesystem>

using namespace troupe;

TEST_CASE("a path is allowed by where it leads") {
  TempDir dir;
  const std::string open = dir.path() + "/open", shut = dir.path() + "/shut";
  REQUIRE(system_files().make_directories(open + "/deep"));
  REQUIRE(system_files().make_directories(shut));
  REQUIRE(system_files().make_directories(open + "er"));
  std::filesystem::create_symlink(shut, open + "/way");
  std::filesystem::create_symlink(open, shut + "/back");
  std::filesystem::create_symlink(shut + "/not-yet", open + "/not-yet");
  const AllowedPaths paths = *AllowedPaths::make(system_files(), {open + "/"});

  for (const std::string path : {"", "/x.csv", "/deep/../x", "/not/there/yet"}) {
    INFO(path);
    CHECK(paths.check(open + path));
  }
  CHECK(paths.check(shut + "/back/x"));
  for (const std::string path :
       {"/../shut", "/../x", "/way/x", "/not-yet", "/deep/../../x", "er/x"}) {
    INFO(path);
    CHECK_FALSE(paths.check(open + path));
  }
  CHECK_FALSE(paths.check("/"));
  const auto refused = paths.check(open + "/way/x");
  CHECK(refused.error().message.find("(it leads to '" + shut + "/x')") != std::string::npos);
  CHECK(refused.error().hint.find(open) != std::string::npos);
}

TEST_CASE("without a list everything is allowed; what does not exist cannot be on it") {
  CHECK(AllowedPaths().check("/etc/passwd"));
  CHECK(AllowedPaths::make(system_files(), {})->everything());
  CHECK(AllowedPaths::make(system_files(), {"/"})->check("/etc/passwd"));
  CHECK_FALSE(AllowedPaths::make(system_files(), {"/nowhere/at/all"}));
}
