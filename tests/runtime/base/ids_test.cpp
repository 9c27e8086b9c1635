// Ids of different kinds do not mix, and print as what they hold.
#include "runtime/base/ids.hpp"

#include "tests/support/catch.hpp"

#include <type_traits>

using namespace troupe;

static_assert(!std::is_convertible_v<Term, Incarnation>);
static_assert(!std::is_convertible_v<std::uint64_t, Term>);

TEST_CASE("ids compare, count up and print") {
  CHECK(Term(3).next() == Term(4));
  CHECK(Attempt(2) < Attempt(10));
  CHECK(fmt::format("{} {} {}", NodeId("a"), Term(3), TaskId{StageId(2), 1}) == "a 3 2.1");
}
