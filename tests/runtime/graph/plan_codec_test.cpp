// The canonical plan: equal jobs have equal bytes whoever made them, bytes come back as the same
// job, and bytes from anywhere are refused without harm.
#include "runtime/base/json.hpp"
#include "runtime/graph/graph_builder.hpp"
#include "runtime/os/random.hpp"
#include "tests/support/catch.hpp"

#include <arrow/type.h>

using namespace troupe;

namespace {

JobGraph late_flights(const Json& read = {{"path", "flights.parquet"}, {"columns", {"a", "b"}}}) {
  GraphBuilder job("demo/late-flights");
  job.parallelism(4).memory(1 << 30);
  const auto flights = job.add("flights", "read.parquet", read);
  const auto late = job.add("late", "filter", {{"where", "dep_delay > 30"}}).from(flights);
  job.add("both", "union").from({flights, late}).parallelism(2);
  job.add("show", "print").from(late);
  return *job.build();
}

}  // namespace

TEST_CASE("a plan comes back from its bytes as it was") {
  JobGraph graph = late_flights();
  graph.vertices[0].resolved = arrow::schema(
      {arrow::field("a", arrow::int64()), arrow::field("m", arrow::decimal128(10, 2))});
  graph.vertices[0].projection = std::vector<std::string>{"m"};
  graph.vertices[0].predicate = "(dep_delay > 30)";
  graph.vertices[0].event_time = TimeSettings{"m", 5s, 30s};
  graph.settings.restart.attempts = 3;

  const JobGraph back = *decode_plan(encode_plan(graph));
  CHECK(back.name == graph.name);
  CHECK(back.settings.parallelism == 4u);
  CHECK(back.settings.memory_bytes == 1 << 30);
  CHECK(back.settings.restart.attempts == 3);
  REQUIRE(back.vertices.size() == 4);
  CHECK(back.vertices[0].resolved->Equals(*graph.vertices[0].resolved));
  CHECK(back.vertices[0].projection == graph.vertices[0].projection);
  CHECK(back.vertices[0].predicate == "(dep_delay > 30)");
  REQUIRE(back.vertices[0].event_time);
  CHECK(back.vertices[0].event_time->max_out_of_order == 5s);
  CHECK(back.vertices[0].event_time->idle_after == Duration(30s));
  CHECK_FALSE(back.vertices[1].event_time);
  CHECK_FALSE(back.vertices[1].resolved);
  CHECK_FALSE(back.vertices[1].projection);
  CHECK(back.vertices[1].with->at("where") == "dep_delay > 30");
  CHECK(back.find("both")->inputs[1].from == "late");
  CHECK(back.find("both")->parallelism == 2u);
  CHECK(encode_plan(back) == encode_plan(graph));
}

TEST_CASE("an empty projection is not the same as none") {
  JobGraph graph = late_flights();
  graph.vertices[0].projection.emplace();
  const JobGraph back = *decode_plan(encode_plan(graph));
  REQUIRE(back.vertices[0].projection);
  CHECK(back.vertices[0].projection->empty());
}

TEST_CASE("the order of parameters does not change a plan, the order of columns does") {
  const std::string hash = plan_hash(late_flights());
  CHECK(hash.size() == 32);
  CHECK(plan_hash(late_flights({{"columns", {"a", "b"}}, {"path", "flights.parquet"}})) == hash);
  CHECK(plan_hash(late_flights({{"columns", {"b", "a"}}, {"path", "flights.parquet"}})) != hash);

  const Json ab = {{"select", {{"b", "1"}, {"a", "2"}}}};
  JobGraph graph = late_flights();
  graph.vertices[1].with = std::make_shared<const Json>(ab);
  CHECK(decode_plan(encode_plan(graph))->vertices[1].with->dump() == ab.dump());
}

TEST_CASE("bytes that are no plan are refused") {
  for (const std::string& bytes : {std::string(), std::string("x"), std::string(8, '\0'),
                                   std::string(64, '\xff'), std::string(800, 'a')}) {
    CHECK_FALSE(decode_plan(bytes));
  }
}

TEST_CASE("a plan with changed bytes is refused or read, and never harms") {
  const std::string good = encode_plan(late_flights());
  Random random(7);
  int read = 0;
  for (int i = 0; i < 5000; ++i) {
    std::string bytes = good;
    for (std::uint64_t n = 1 + random.below(4); n > 0; --n) {
      bytes[random.below(bytes.size())] = static_cast<char>(random.next());
    }
    if (random.chance(1, 10)) bytes.resize(8 * random.below(bytes.size() / 8));
    if (const Result<JobGraph> graph = decode_plan(bytes)) {
      ++read;
      CHECK_NOTHROW(encode_plan(*graph));
    }
  }
  CHECK(read > 0);
  CHECK(read < 5000);
}

TEST_CASE("a builder refuses what would be no graph") {
  GraphBuilder twice("job");
  twice.add("a", "read.parquet");
  twice.add("a", "print");
  CHECK_FALSE(twice.build());
  GraphBuilder loop("job");
  auto a = loop.add("a", "filter");
  auto b = loop.add("b", "filter").from(a);
  a.from(b);
  CHECK_FALSE(loop.build());
}
