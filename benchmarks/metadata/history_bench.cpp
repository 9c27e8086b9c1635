// What history costs: a store with so many runs that have ended, and one that has not. Prints one
// JSON object a size: how long a start takes and what memory it needs, how long a page of a list
// and a look for a key take, alone and while another connection writes all the time. `bench-history
// DIRECTORY [runs]...`; a size that is in the directory already is not made again.
#include "runtime/metadata/sqlite_store.hpp"
#include "runtime/os/file_system.hpp"

#include <fmt/format.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <vector>

namespace troupe {
namespace {

constexpr std::uint64_t runs_a_write = 1000;
constexpr std::uint32_t tasks_of_a_run = 8;
constexpr int repeats = 50;
const std::string plan_hash = "of the only version";

double millis(Instant from, Instant to) {
  return std::chrono::duration<double, std::milli>(to - from).count();
}

std::int64_t resident_kb() {
  std::ifstream statm("/proc/self/statm");
  std::int64_t all = 0, resident = 0;
  statm >> all >> resident;
  return resident * ::sysconf(_SC_PAGESIZE) / 1024;
}

template <class T>
T must(Result<T> result) {
  if (result) return std::move(result).value();
  std::fprintf(stderr, "%s\n", result.error().to_string().c_str());
  std::exit(1);
}
void must(const Result<>& result) {
  if (result) return;
  std::fprintf(stderr, "%s\n", result.error().to_string().c_str());
  std::exit(1);
}

RunRecord run_record(std::uint64_t number) {
  RunRecord run;
  run.run = RunId(number);
  run.uid = run_uid(ClusterId("bench"), run.run, number);
  run.job = JobName(fmt::format("jobs/{}", number % 100));
  run.hash = plan_hash;
  run.key = fmt::format("key-{}", number);
  run.interval = fmt::format("{}", number / 100);
  run.tasks = tasks_of_a_run;
  return run;
}

/// From its submission to its end, its tasks and its lines of history with it.
void add_run(std::vector<Record>& records, std::uint64_t number) {
  const RunRecord run = run_record(number);
  records.push_back(run);
  records.push_back(EventRecord{run.run, log::Level::info, "submitted by the benchmark"});
  records.push_back(RunStateRecord{run.run, RunState::queued, RunState::running});
  for (std::uint32_t task = 0; task < tasks_of_a_run; ++task) {
    const AttemptKey key{run.run, {StageId(0), task}, Attempt(task + 1)};
    records.push_back(AttemptRecord{key, NodeId("n1"), Incarnation(1)});
    records.push_back(AttemptStateRecord{key, AttemptState::deploying, AttemptState::finished});
  }
  records.push_back(RunStateRecord{run.run, RunState::running, RunState::succeeded});
  records.push_back(RunCleanedRecord{run.run});
  records.push_back(EventRecord{run.run, log::Level::info, "succeeded"});
}

SqliteStoreSettings settings(const std::string& path) {
  return {path, ClusterName("bench"), "the benchmark", {}};
}

void make(const std::string& path, std::uint64_t runs) {
  const auto store = must(open_sqlite_store(settings(path), system_clock()));
  std::vector<Record> records;
  for (std::uint64_t job = 0; job < 100; ++job) {
    records.push_back(JobVersionRecord{JobName(fmt::format("jobs/{}", job)), plan_hash,
                                       std::make_shared<const std::string>(2000, 'p'),
                                       std::string(1000, 'd'), "bench"});
  }
  for (std::uint64_t number = 1; number <= runs; ++number) {
    add_run(records, number);
    if (records.size() > runs_a_write * 20) must(store->write(std::exchange(records, {})));
  }
  records.push_back(run_record(runs + 1));  // has not ended
  must(store->write(std::move(records)));
}

template <class Work>
double mean_millis(Work work) {
  const Instant begin = system_clock().now();
  for (int i = 0; i < repeats; ++i) work();
  return millis(begin, system_clock().now()) / repeats;
}

void measure(const std::string& path, std::uint64_t runs) {
  const std::int64_t before_kb = resident_kb();
  const Instant begin = system_clock().now();
  const auto store = must(open_sqlite_store(settings(path), system_clock()));
  const Instant opened = system_clock().now();
  const ClusterImage image = must(store->begin_term());
  const Instant began = system_clock().now();
  const std::int64_t needed_kb = resident_kb() - before_kb;
  const double page = mean_millis([&] { must(store->runs({}, {}, 50)); });
  const double of_job = mean_millis([&] { must(store->runs(JobName("jobs/7"), {}, 50)); });
  const double look = mean_millis([&] { must(store->carry_out({effect::Look{1, "none", {}}})); });

  std::atomic<bool> enough = false;
  std::atomic<std::uint64_t> writes = 0;
  std::thread writer([&] {
    while (!enough) {
      std::vector<Record> records;
      for (int i = 0; i < 1000; ++i) {
        records.push_back(EventRecord{RunId(1), log::Level::info, "written beside a list"});
      }
      must(store->write(std::move(records)));
      ++writes;
    }
  });
  const double page_beside = mean_millis([&] { must(store->runs({}, {}, 50)); });
  enough = true;
  writer.join();
  std::printf("%s\n", fmt::format("{{\"ended\": {}, \"open_ms\": {:.2f}, \"begin_ms\": {:.2f}, "
                                  "\"memory_kb\": {}, \"open_runs\": {}, \"page_ms\": {:.3f}, "
                                  "\"page_of_job_ms\": {:.3f}, \"look_ms\": {:.3f}, "
                                  "\"page_beside_writes_ms\": {:.3f}, \"writes_beside\": {}}}",
                                  runs, millis(begin, opened), millis(opened, began), needed_kb,
                                  image.runs.size(), page, of_job, look, page_beside, writes.load())
                          .c_str());
}

/// In a process of its own, so that nobody measures the memory of another.
template <class Work>
void apart(Work work) {
  const pid_t child = ::fork();
  if (child == 0) {
    work();
    std::fflush(stdout);
    ::_exit(0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  if (status != 0) std::exit(1);
}

}  // namespace
}  // namespace troupe

int main(int count, char** words) {
  using namespace troupe;
  if (count < 2) return std::fputs("usage: bench-history DIRECTORY [runs]...\n", stderr), 2;
  std::vector<std::uint64_t> sizes{0, 1'000, 100'000};
  if (count > 2) sizes.clear();
  for (int i = 2; i < count; ++i) sizes.push_back(std::strtoull(words[i], nullptr, 10));
  for (const std::uint64_t runs : sizes) {
    const std::string path = fmt::format("{}/{}.db", words[1], runs);
    if (!system_files().exists(path)) apart([&] { make(path, runs); });
    apart([&] { measure(path, runs); });
  }
  return 0;
}
