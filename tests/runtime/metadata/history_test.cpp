// History is not memory: what there was is asked for in the order of writes, is read by pages that
// cost what they show, and costs whoever starts nothing. Reads wait for no write.
#include "runtime/metadata/sqlite_rows.hpp"
#include "tests/runtime/metadata/rows.hpp"

#include <functional>
#include <sys/wait.h>
#include <unistd.h>

using namespace troupe;
using namespace troupe::rows;

namespace {

effect::Look look_for(std::uint64_t number, const std::string& key) { return {number, key, {}}; }

void write_runs(MetadataStore& store, std::uint64_t from, std::uint64_t to) {
  std::vector<Record> records{version()};
  for (std::uint64_t run = from; run <= to; ++run) {
    for (Record& record : rows_of_run(run)) records.push_back(std::move(record));
  }
  REQUIRE(store.write(std::move(records)));
}

/// Asked for the time of each record, so in the middle of a write.
class AskedClock final : public Clock {
 public:
  Instant now() const override { return system_clock().now(); }
  WallTime wall() const override {
    if (when_asked) when_asked();
    return system_clock().wall();
  }
  std::function<void()> when_asked;
};

/// What SQLite does for one call of `read`, on a connection of its own.
template <class Read>
std::uint64_t steps_of(const std::string& path, Read read) {
  auto database = *SqliteDatabase::open_to_read(path);
  REQUIRE(read(database));
  return database.steps();
}

}  // namespace

TEST_CASE("a look sees what stands before it, in the same transaction too, and nothing after it") {
  Fixture fixture;
  const auto answers = fixture.store->carry_out(
      {look_for(1, "k"), effect::Persist{{version(), run_record(1, "k")}}, look_for(2, "k"),
       effect::Persist{{run_record(2, "later")}}, look_for(3, "other")});
  REQUIRE(answers);
  REQUIRE(answers->size() == 3);
  CHECK((*answers)[0].look == 1);
  CHECK_FALSE((*answers)[0].with_key);
  CHECK((*answers)[1].with_key == RunId(1));
  CHECK_FALSE((*answers)[2].with_key);
  CHECK((*fixture.store->carry_out({look_for(4, "later")}))[0].with_key == RunId(2));
}

TEST_CASE("an interval is found by job and generation; no key and no interval are none") {
  Fixture fixture;
  RunRecord run = run_record(1);
  run.interval = "2026-01-01";
  run.generation = 2;
  REQUIRE(fixture.store->write({version(), run, run_record(2)}));
  const auto of = [&](const std::string& job, const std::string& interval,
                      std::uint64_t generation) {
    const RunInterval which{JobName(job), interval, generation};
    return fixture.store->carry_out({effect::Look{1, "", which}})->front();
  };
  CHECK(of("ns/job", "2026-01-01", 2).of_interval == RunId(1));
  CHECK_FALSE(of("ns/job", "2026-01-01", 1).of_interval);
  CHECK_FALSE(of("ns/other", "2026-01-01", 2).of_interval);
  CHECK_FALSE(of("ns/job", "2026-01-01", 2).with_key);
}

TEST_CASE("looks of a transaction that fails have no answer") {
  Fixture fixture;
  CHECK_FALSE(fixture.store->carry_out(
      {look_for(1, "k"),
       effect::Persist{{RunStateRecord{RunId(1), RunState::queued, RunState::starting}}}}));
}

TEST_CASE("keys and intervals are unique for ever, whoever asks") {
  Fixture fixture;
  RunRecord run = run_record(1, "k");
  run.interval = "2026-01-01";
  REQUIRE(fixture.store->write({version(), run}));
  RunRecord same_key = run_record(2, "k");
  CHECK(fixture.store->write({same_key}).error().code == ErrorCode::already_exists);
  RunRecord same_interval = run_record(2, "other");
  same_interval.interval = run.interval;
  CHECK(fixture.store->write({same_interval}).error().code == ErrorCode::already_exists);
}

TEST_CASE("a run's row carries its counts, as its attempts say") {
  Fixture fixture;
  std::vector<Record> records = rows_of_run(1);
  REQUIRE(fixture.store->write({version()}));
  const auto counts = [&] { return fixture.store->run_summary(RunId(1))->counts; };
  for (std::size_t i = 0; i < records.size(); ++i) {
    REQUIRE(fixture.store->write({records[i]}));
    const auto stored = fixture.store->run(RunId(1));
    REQUIRE(stored);
    std::uint32_t finished = 0;
    std::set<TaskId> tried;
    for (const AttemptImage& attempt : stored->image.attempts) {
      finished += attempt.state == AttemptState::finished;
      tried.insert(attempt.made.key.task);
    }
    INFO("after record " << i);
    CHECK(counts().tasks == 2);
    CHECK(counts().tasks_finished == finished);
    CHECK(counts().task_restarts == stored->image.attempts.size() - tried.size());
    const bool committed =
        !stored->image.epochs.empty() && stored->image.epochs.back().state == EpochState::committed;
    CHECK(counts().rows_committed == (committed ? 10 : 0));
  }
  CHECK(counts().tasks_finished == 2);
  CHECK(counts().task_restarts == 1);
  CHECK(counts().rows_committed == 10);
}

TEST_CASE("a list has what the run itself has, newest first, on from the last one of a page") {
  Fixture fixture;
  write_runs(*fixture.store, 1, 5);
  REQUIRE(fixture.store->write({version("h1", "ns/other")}));
  std::vector<std::uint64_t> seen;
  std::optional<RunId> before;
  for (;;) {
    const auto page = *fixture.store->runs({}, before, 2);
    for (const RunSummary& run : page) {
      seen.push_back(run.made.run.value());
      const auto stored = *fixture.store->run(run.made.run);
      CHECK(run.made.uid == stored.image.made.uid);
      CHECK(run.state == stored.image.state);
      CHECK(run.times.submitted == stored.times.submitted);
    }
    if (page.size() < 2) break;
    before = page.back().made.run;
  }
  CHECK(seen == std::vector<std::uint64_t>{5, 4, 3, 2, 1});
  const auto jobs = *fixture.store->jobs(JobName(), 1);
  REQUIRE(jobs.size() == 1);
  CHECK(jobs[0].job == JobName("ns/job"));
  CHECK(fixture.store->jobs(jobs[0].job, 5)->front().job == JobName("ns/other"));
}

TEST_CASE("history costs neither who starts, nor who looks, nor who reads a page of it") {
  Fixture fixture;
  const RunId open(1'000'000);
  const auto read_all = [&] {
    const std::string path = fixture.path();
    return std::vector<std::uint64_t>{
        steps_of(path, [](SqliteDatabase& d) { return read_image(d); }),
        steps_of(path, [](SqliteDatabase& d) { return look_up(d, look_for(1, "none")); }),
        steps_of(path,
                 [](SqliteDatabase& d) {
                   return look_up(d, {1, "", RunInterval{JobName("ns/job"), "none", 0}});
                 }),
        steps_of(path, [](SqliteDatabase& d) { return read_summaries(d, {}, {}, 5); }),
        steps_of(path, [](SqliteDatabase& d) { return read_summaries(d, {}, RunId(8), 5); }),
        steps_of(path,
                 [](SqliteDatabase& d) { return read_summaries(d, JobName("ns/rare"), {}, 5); }),
        steps_of(path, [](SqliteDatabase& d) { return read_jobs(d, JobName(), 5); }),
        steps_of(path, [&](SqliteDatabase& d) { return read_run(d, open); }),
        steps_of(path, [&](SqliteDatabase& d) { return read_events(d, open, 0, 5); })};
  };
  RunRecord rare = run_record(1);
  rare.job = JobName("ns/rare");
  write_runs(*fixture.store, 2, 10);
  REQUIRE(fixture.store->write({version("h1", "ns/rare"), rare,
                                RunStateRecord{RunId(1), RunState::queued, RunState::cancelled},
                                RunCleanedRecord{RunId(1)}}));
  RunRecord waits = run_record(open.value());
  REQUIRE(fixture.store->write({waits, EventRecord{open, log::Level::info, "submitted"}}));
  const auto with_few = read_all();
  write_runs(*fixture.store, 11, 1000);
  CHECK(read_all() == with_few);
  const auto image = fixture.store->begin_term();
  REQUIRE(image->runs.size() == 1);
  CHECK(image->runs[0].made.run == open);
  CHECK(image->leftovers.empty());
}

TEST_CASE("who reads is answered at once while a long transaction is written") {
  AskedClock clock;
  Fixture fixture;
  fixture.store.reset();
  fixture.store = *open_sqlite_store(fixture.settings(), clock);
  write_runs(*fixture.store, 1, 3);
  // More than SQLite keeps in memory, so a part of it is in the log already.
  const std::string text(500, 'x');
  std::vector<Record> records(20'000, EventRecord{RunId(1), log::Level::info, text});
  std::size_t answers = 0;
  clock.when_asked = [&, stamps = std::size_t{0}]() mutable {
    if (++stamps < records.size()) return;
    CHECK(fixture.store->runs({}, {}, 10)->size() == 3);
    CHECK(fixture.store->events(RunId(1), 0, 10)->size() == 1);
    CHECK(fixture.store->run(RunId(2)).ok());
    ++answers;
  };
  REQUIRE(fixture.store->write(records));
  CHECK(answers == 1);
  CHECK(fixture.store->events(RunId(1), 0, 10)->size() == 10);
}

TEST_CASE("a second process is told who has the metadata, and what to do; the first works on") {
  Fixture fixture;
  const pid_t child = fork();
  if (child == 0) {
    SqliteStoreSettings settings = fixture.settings();
    settings.who = "node 'b'";
    const auto second = open_sqlite_store(settings, system_clock());
    const std::string holder = fmt::format("node 'a', process {}, since 20", ::getppid());
    const bool told = !second && second.error().code == ErrorCode::conflict &&
                      second.error().message.find(holder) != std::string::npos &&
                      second.error().message.find(settings.path) != std::string::npos &&
                      second.error().hint.find("--data") != std::string::npos;
    _exit(told ? 0 : 1);
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  CHECK(WEXITSTATUS(status) == 0);
  REQUIRE(fixture.store->begin_term());
  // The lock goes with its owner.
  fixture.store = fixture.open();
}

TEST_CASE("in memory, who reads and who writes share what there is") {
  auto store = open_sqlite_store({":memory:", ClusterName("c1"), "", {}}, system_clock());
  REQUIRE(store);
  REQUIRE((*store)->begin_term());
  REQUIRE((*store)->write({version(), run_record(1, "k")}));
  CHECK((*store)->runs({}, {}, 10)->size() == 1);
  CHECK((*store)->carry_out({look_for(1, "k")})->front().with_key == RunId(1));
}
