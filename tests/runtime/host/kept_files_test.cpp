// What runs and attempts leave on a node's disk, dropped by several threads at a time: every call
// succeeds, and nothing stays. On a real directory, since the races are the file system's.
#include "runtime/host/kept_files.hpp"

#include "tests/support/catch.hpp"
#include "tests/support/temp_dir.hpp"

#include <atomic>
#include <filesystem>
#include <fstream>
#include <thread>

namespace troupe {
namespace {

constexpr int attempts = 12, files_of_each = 20, rounds = 10;

class KeptRun {
 public:
  void fill() const {
    for (int i = 0; i < attempts; ++i) {
      const std::string scratch = kept().scratch(key(i));
      std::filesystem::create_directories(scratch);
      for (int k = 0; k < files_of_each; ++k) std::ofstream(fmt::format("{}/{}", scratch, k));
    }
  }
  KeptFiles kept() const { return KeptFiles(system_files(), directory_.path()); }
  static AttemptKey key(int i) {
    return {RunId(7), {StageId(0), static_cast<std::uint32_t>(i)}, Attempt(1)};
  }

 private:
  TempDir directory_;
};

TEST_CASE("a run is dropped while its attempts are: nobody fails, nothing stays") {
  const KeptRun run;
  for (int round = 0; round < rounds; ++round) {
    run.fill();
    std::atomic<int> failed{0};
    const auto drop = [&](const std::string& path) {
      if (!run.kept().drop(path)) ++failed;
    };
    std::thread attempts_first([&] {
      for (int i = 0; i < attempts; ++i) drop(run.kept().of_attempt(KeptRun::key(i)));
    });
    std::thread also([&] { drop(run.kept().of_run(RunId(7))); });
    drop(run.kept().of_run(RunId(7)));
    attempts_first.join();
    also.join();
    CHECK(failed == 0);
    CHECK_FALSE(std::filesystem::exists(run.kept().of_run(RunId(7))));
  }
}

TEST_CASE("what is not there is dropped already") {
  const KeptRun run;
  CHECK(run.kept().drop(run.kept().of_run(RunId(9))).ok());
}

}  // namespace
}  // namespace troupe
