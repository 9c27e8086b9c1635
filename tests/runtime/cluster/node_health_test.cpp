// When a node gets no new work because work fails there, for how long, and how it comes back.
#include "runtime/cluster/node_health.hpp"

#include "tests/support/catch.hpp"

using namespace troupe;

namespace {

/// Faults until it rests; false where one more was needed than there may be.
bool make_rest(NodeHealth& health, Instant now) {
  for (std::size_t i = 0; i + 1 < node_faults_max; ++i) {
    if (health.on_fault(now, "disk full")) return false;
  }
  return health.on_fault(now, "disk full");
}

const Instant begin{1h};

}  // namespace

TEST_CASE("a node rests after so many faults within the window, and says why") {
  NodeHealth health;
  CHECK(make_rest(health, begin));
  CHECK(health.resting());
  CHECK(health.reason() == "disk full");
  CHECK(health.next_deadline() == begin + node_rest_min);
}

TEST_CASE("faults that lie far apart are forgotten") {
  NodeHealth health;
  for (int i = 0; i < 10; ++i) CHECK_FALSE(health.on_fault(begin + i * node_fault_window, "x"));
  CHECK_FALSE(health.resting());
  CHECK_FALSE(health.next_deadline().has_value());
}

TEST_CASE("what was given before it rested may fail yet, and changes nothing") {
  NodeHealth health;
  REQUIRE(make_rest(health, begin));
  CHECK_FALSE(health.on_fault(begin + 1s, "late"));
  CHECK(health.next_deadline() == begin + node_rest_min);
}

TEST_CASE("it is asked again; one fault then and it rests twice as long, up to a limit") {
  NodeHealth health;
  REQUIRE(make_rest(health, begin));
  Instant now = begin;
  Duration rest = node_rest_min;
  for (int i = 0; i < 12; ++i) {
    CHECK_FALSE(health.on_tick(now + rest - 1ms));
    now += rest;
    REQUIRE(health.on_tick(now));
    CHECK(health.on_trial());
    CHECK_FALSE(health.resting());
    REQUIRE(health.on_fault(now, "still full"));
    rest = std::min(rest * 2, node_rest_max);
    CHECK(health.rest() == rest);
  }
  CHECK(rest == node_rest_max);
}

TEST_CASE("as long without a fault as it rested, and it is trusted as at first") {
  NodeHealth health;
  REQUIRE(make_rest(health, begin));
  REQUIRE(health.on_tick(begin + node_rest_min));
  CHECK_FALSE(health.on_tick(begin + 2 * node_rest_min));
  CHECK_FALSE(health.on_trial());
  CHECK(health.reason().empty());
  CHECK(make_rest(health, begin + 3 * node_rest_min));
  CHECK(health.rest() == node_rest_min);
}
