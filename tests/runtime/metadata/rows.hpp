#pragma once

#include "runtime/decision/records.hpp"
#include "runtime/metadata/sqlite_store.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/temp_dir.hpp"

#include <memory>
#include <string>
#include <vector>

namespace troupe::rows {

/// A store of its own directory, open.
struct Fixture {
  TempDir dir;
  std::unique_ptr<MetadataStore> store;

  Fixture() { store = open(); }

  std::unique_ptr<MetadataStore> open() {
    store.reset();
    auto opened = open_sqlite_store(settings(), system_clock());
    REQUIRE(opened);
    return std::move(*opened);
  }
  std::string path() const { return dir.path() + "/metadata.db"; }
  SqliteStoreSettings settings(const std::string& cluster = "c1") const {
    return {path(), ClusterName(cluster), "node 'a'", {}};
  }
};

inline JobVersionRecord version(const std::string& hash = "h1", const std::string& job = "ns/job") {
  return {JobName(job), hash, std::make_shared<const std::string>("plan\0bytes", 10), "kind: Job",
          "ada"};
}

inline RunRecord run_record(std::uint64_t run, const std::string& key = "") {
  RunRecord record;
  record.run = RunId(run);
  record.uid = run_uid(ClusterId("c"), record.run, run);
  record.job = JobName("ns/job");
  record.hash = "h1";
  record.key = key;
  record.target = {3, true};
  record.memory_bytes = 1 << 20;
  record.tasks = 2;
  return record;
}

inline AttemptKey key_of(std::uint64_t run, std::uint32_t subtask, std::uint64_t attempt) {
  return {RunId(run), {StageId(0), subtask}, Attempt(attempt)};
}

/// All rows of a run from its submission to its end, with two tasks, one of them tried twice, and
/// ten rows committed.
inline std::vector<Record> rows_of_run(std::uint64_t run, const std::string& key = "") {
  const RunId id(run);
  const auto tried = [&](std::uint32_t subtask, std::uint64_t attempt) {
    return AttemptRecord{key_of(run, subtask, attempt), NodeId("n1"), Incarnation(1), attempt > 2};
  };
  const auto became = [&](std::uint32_t subtask, std::uint64_t attempt, AttemptState from,
                          AttemptState to) {
    return AttemptStateRecord{key_of(run, subtask, attempt), from, to};
  };
  using enum AttemptState;
  return {run_record(run, key),
          RunStateRecord{id, RunState::queued, RunState::starting},
          SplitsRecord{id, {{{{"{\"f\":1}", 9, 3}}, {}}}},
          EpochRecord{id, Epoch(1), {}, EpochState::started},
          RunStateRecord{id, RunState::starting, RunState::running},
          tried(0, 1),
          tried(1, 2),
          became(0, 1, deploying, running),
          became(1, 2, deploying, running),
          became(0, 1, running, finished),
          became(0, 1, finished, superseded),  // what it kept was lost
          became(1, 2, running, finished),
          tried(0, 3),
          became(0, 3, deploying, running),
          became(0, 3, running, finished),
          RunStateRecord{id, RunState::running, RunState::finishing},
          ManifestRecord{id, Epoch(1), {{{"save", {{"a", 4}, {"b", 6}}}}, {}}},
          EpochRecord{id, Epoch(1), EpochState::started, EpochState::published},
          EpochRecord{id, Epoch(1), EpochState::published, EpochState::committed},
          RunStateRecord{id, RunState::finishing, RunState::succeeded},
          RunCleanedRecord{id},
          EventRecord{id, log::Level::info, "succeeded"}};
}

}  // namespace troupe::rows
