// Metadata that an earlier troupe wrote opens, and shows the same runs: the database is that of a
// cluster that was killed at work, and what that troupe said of its runs is written beside it.
#include "runtime/metadata/migrate.hpp"

#include "runtime/base/json.hpp"
#include "runtime/os/file_system.hpp"
#include "tests/runtime/metadata/rows.hpp"

using namespace troupe;
using namespace troupe::rows;

namespace {

const std::string golden = TROUPE_GOLDEN_METADATA;

/// What the plan of each of those runs makes; asked of no run that succeeded, for that tried all.
constexpr std::uint32_t tasks_of_each = 6;

struct Old {
  TempDir dir;
  SqliteStoreSettings settings{dir.path() + "/metadata.db", ClusterName("troupe"), "a", {}};
  std::size_t plans_counted = 0;

  Old() {
    auto database = *SqliteDatabase::open(settings.path);
    const std::string dump = *system_files().read(golden + "/version_3.sql");
    REQUIRE(database.execute("PRAGMA foreign_keys=OFF;" + dump));
    settings.count_tasks = [this](const std::string& plan, const PlanTarget& target) {
      ++plans_counted;
      CHECK_FALSE(plan.empty());
      CHECK(target.parallelism == 3);
      return tasks_of_each;
    };
  }
};

}  // namespace

TEST_CASE("metadata of before the counts shows the same runs") {
  Old old;
  const auto store = open_sqlite_store(old.settings, system_clock());
  REQUIRE(store);
  const auto runs = (*store)->runs({}, {}, 10);
  REQUIRE(runs);
  const Json said = Json::parse(*system_files().read(golden + "/version_3.json"));
  REQUIRE(runs->size() == said.size());
  for (std::size_t i = 0; i < said.size(); ++i) {
    const RunSummary& run = (*runs)[i];
    INFO("run " << run.made.run.value());
    CHECK(run.made.run == RunId(said[i]["id"]));
    CHECK(run.made.uid.value() == said[i]["uid"]);
    CHECK(run.made.job.value() == said[i]["job"]);
    CHECK(run.made.hash == said[i]["plan_hash"]);
    CHECK(to_string(run.state) == said[i]["state"]);
    CHECK(run.counts.tasks == said[i]["tasks"]);
    CHECK(run.counts.tasks_finished == said[i]["tasks_finished"]);
    CHECK(run.counts.task_restarts == said[i]["task_restarts"]);
    CHECK(run.counts.rows_committed == said[i]["rows_committed"]);
    CHECK(run.times.started.has_value() == said[i].contains("started"));
    CHECK(run.times.finished.has_value() == said[i].contains("finished"));
    CHECK((run.cause ? run.cause->message : "") == said[i].value("error", ""));
  }
  CHECK(old.plans_counted ==
        3);  // of the one that failed, the one that was cancelled, the open one
}

TEST_CASE("a leader goes on with what an earlier troupe left open") {
  Old old;
  const auto store = open_sqlite_store(old.settings, system_clock());
  const auto image = (*store)->begin_term();
  REQUIRE(image);
  CHECK(image->last_run == RunId(6));
  CHECK(image->nodes.size() == 3);
  REQUIRE(image->runs.size() == 1);
  const RunImage& open = image->runs.front();
  CHECK(open.made.run == RunId(6));
  CHECK(open.attempts.size() == 3);
  REQUIRE(open.splits);
  CHECK_FALSE(open.splits->front().front().empty());
  // Its key is known for ever.
  const auto looked = (*store)->carry_out({effect::Look{1, "the key", {}}});
  CHECK(looked->front().with_key == RunId(5));
  // From here on its counts go on from where they stand.
  REQUIRE((*store)->write({AttemptStateRecord{
      open.attempts.back().made.key, open.attempts.back().state, AttemptState::superseded}}));
}

TEST_CASE("metadata is brought up to date once") {
  Old old;
  REQUIRE(open_sqlite_store(old.settings, system_clock()));
  REQUIRE(open_sqlite_store(old.settings, system_clock()));
  CHECK(old.plans_counted == 3);
}

TEST_CASE("where a plan cannot be made any more, what was tried is what is known") {
  Old old;
  old.settings.count_tasks = [](const std::string&, const PlanTarget&) { return 0u; };
  const auto store = open_sqlite_store(old.settings, system_clock());
  REQUIRE(store);
  CHECK((*store)->run_summary(RunId(3))->counts.tasks == 3);
  CHECK((*store)->run_summary(RunId(2))->counts.tasks == 6);
}

TEST_CASE("metadata of a later troupe is refused, and left as it is") {
  Old old;
  REQUIRE(SqliteDatabase::open(old.settings.path)->execute("PRAGMA user_version = 99"));
  const auto store = open_sqlite_store(old.settings, system_clock());
  REQUIRE_FALSE(store);
  CHECK(store.error().code == ErrorCode::unsupported);
  CHECK(old.plans_counted == 0);
}
