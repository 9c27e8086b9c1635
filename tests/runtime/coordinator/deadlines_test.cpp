// Who is due, and when the next one is: beside a plain list of them, over random histories.
#include "runtime/coordinator/deadlines.hpp"

#include "runtime/os/random.hpp"
#include "tests/support/catch.hpp"

#include <algorithm>

using namespace troupe;

TEST_CASE("the last time that a run has said counts, and only that") {
  Deadlines deadlines;
  CHECK_FALSE(deadlines.first());
  deadlines.set(RunId(1), Instant(5s));
  deadlines.set(RunId(2), Instant(3s));
  deadlines.set(RunId(2), Instant(9s));
  CHECK(deadlines.first() == Instant(5s));
  CHECK(deadlines.due(Instant(4s)).empty());
  CHECK(deadlines.due(Instant(5s)) == std::vector<RunId>{RunId(1)});
  deadlines.set(RunId(1), {});
  CHECK(deadlines.first() == Instant(9s));
  CHECK(deadlines.due(Instant(8s)).empty());
}

TEST_CASE("over random histories, who is due is who has said so") {
  Random random(7);
  Deadlines deadlines;
  std::map<RunId, Instant> naive;
  for (int step = 0; step < 5'000; ++step) {
    const RunId run(1 + random.below(20));
    if (random.chance(1, 3)) {
      naive.erase(run);
      deadlines.set(run, {});
    } else {
      naive[run] = Instant(std::chrono::seconds(random.below(100)));
      deadlines.set(run, naive[run]);
    }
    const Instant now(std::chrono::seconds(random.below(100)));
    std::set<RunId> due;
    std::optional<Instant> first;
    for (const auto& [each, at] : naive) {
      if (at <= now) due.insert(each);
      first = std::min(first.value_or(at), at);
    }
    const std::vector<RunId> told = deadlines.due(now);
    REQUIRE(std::set(told.begin(), told.end()) == due);
    REQUIRE(deadlines.first() == first);
  }
}
