// A run goes on where another one was only where its tasks find their state, and its sinks and
// sources are those of before; else it is told which operator is not.
#include "runtime/graph/goes_on.hpp"

#include "runtime/base/json.hpp"
#include "runtime/connectors/connectors.hpp"
#include "runtime/graph/graph_builder.hpp"
#include "runtime/ops/builtin_ops.hpp"
#include "runtime/os/file_system.hpp"
#include "tests/support/catch.hpp"

using namespace troupe;

namespace {

struct Written {
  std::int64_t rows = 100;
  std::string where = "account > 1";
  std::string size = "1m";
  std::string total = "sum(amount)";
  std::string out = "/out";
  std::string filter = "some";
  std::string amount = "amount";
  JobMode mode = JobMode::streaming;
  std::uint32_t parallelism = 2;
};

std::shared_ptr<const DerivedPlan> derived(const Written& written) {
  static OperatorRegistry registry(system_files());
  static const bool registered = [] {
    register_operators(registry);
    register_connectors(registry);
    return true;
  }();
  REQUIRE(registered);
  GraphBuilder job("job");
  job.mode(written.mode);
  const auto columns = Json{{"account", "n % 7"},
                            {"amount", "n"},
                            {"at", "TIMESTAMP '2026-01-01' + n * INTERVAL '1 second'"}};
  auto events = job.add("events", "datagen", {{"rows", written.rows}, {"columns", columns}});
  events.event_time({"at", 3s});
  auto some = job.add(written.filter, "filter", {{"where", written.where}});
  some.from(events);
  auto few =
      job.add("few", "select", {{"columns", {{"account", "account"}, {"amount", written.amount}}}});
  few.from(some);
  auto sums = job.add("sums", "window",
                      {{"size", written.size},
                       {"group_by", Json::array({"account"})},
                       {"select", {{"total", written.total}}},
                       {"late", "drop"}});
  sums.from(few);
  job.add("save", "write.csv", {{"path", written.out}}).from(sums);
  JobGraph graph = job.build().value();
  for (const Error& mistake : bind(graph, registry)) FAIL(mistake.to_string());
  static Planner planner(registry);
  return planner.derive(encode_plan(graph), {written.parallelism, false}).value();
}

/// What is in the way of going on with the job as it is now.
std::string obstacle(const Written& now) {
  const auto goes_on = check_goes_on(*derived({}), *derived(now));
  if (goes_on) return "";
  CHECK(goes_on.error().code == ErrorCode::conflict);
  return goes_on.error().message;
}

}  // namespace

TEST_CASE("what operators compute may change, where they keep the same state") {
  CHECK(obstacle({}).empty());
  CHECK(obstacle({.where = "account > 2"}).empty());
  CHECK(obstacle({.amount = "amount * 2"}).empty());
}

TEST_CASE("other state, sources, sinks and tasks are told by the operator's name") {
  using Catch::Matchers::StartsWith;
  CHECK_THAT(obstacle({.amount = "amount / 2.0"}), StartsWith("'sums' keeps other state"));
  CHECK_THAT(obstacle({.size = "2m"}), StartsWith("'sums' is written otherwise"));
  CHECK_THAT(obstacle({.rows = 101}), StartsWith("'events' is written otherwise"));
  CHECK_THAT(obstacle({.out = "/other"}), StartsWith("'save' is written otherwise"));
  CHECK_THAT(obstacle({.filter = "many"}), StartsWith("'many' is not at its place"));
  CHECK_THAT(obstacle({.parallelism = 3}), StartsWith("'events' has 3 subtasks, and 2"));
  CHECK(obstacle({.mode = JobMode::batch}) == "the job is a batch job now");
}
