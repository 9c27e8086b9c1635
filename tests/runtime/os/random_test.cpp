// One seed gives one sequence; ranges are respected.
#include "runtime/os/random.hpp"

#include "tests/support/catch.hpp"

using namespace troupe;

TEST_CASE("a seed decides the sequence") {
  Random a(42), b(42), c(43);
  CHECK(a.next() == b.next());
  CHECK(a.next() != c.next());
  for (int i = 0; i < 1000; ++i) CHECK(a.below(7) < 7);
  CHECK_FALSE(a.chance(0, 10));
  CHECK(a.chance(10, 10));
}
