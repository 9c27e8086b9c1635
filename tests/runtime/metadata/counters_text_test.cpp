// What was counted comes back from its column, every field of it; a text that is damaged, or that
// an earlier troupe wrote with fewer fields, leaves the rest as it is in new counters.
#include "runtime/metadata/counters_text.hpp"

#include "tests/runtime/protocol/filler.hpp"
#include "tests/support/catch.hpp"

using namespace troupe;

TEST_CASE("counters come back from their column as they went in") {
  Filler filler(1);
  for (int round = 0; round < 50; ++round) {
    TaskCounters counters;
    filler.fill(counters);
    REQUIRE(counters_from(counters_text(counters)) == counters);
  }
}

TEST_CASE("a column of an earlier troupe has fewer counters") {
  const TaskCounters counters =
      counters_from(R"({"busy_ns":7,"vertices":[{"vertex":"read","rows_out":3}]})");
  CHECK(counters.busy == Duration(7));
  CHECK(counters.idle == Duration());
  REQUIRE(counters.vertices.size() == 1);
  CHECK(counters.vertices[0].rows_out == 3);
  CHECK(counters.vertices[0].busy == Duration());
}

TEST_CASE("what is no counter is left out, and nothing is thrown") {
  CHECK(counters_from("") == TaskCounters());
  CHECK(counters_from("{") == TaskCounters());
  CHECK(counters_from(R"({"busy_ns":"x","vertices":7})") == TaskCounters());
  CHECK(counters_from(R"({"vertices":[{"notes":{}}, 5]})").vertices.size() == 2);
}
