// Claim: a mistyped word finds the name that was meant, and a foreign word finds nothing, so that a
// hint never misleads. Shown with the kinds of slips people make.
#include "runtime/base/near.hpp"

#include "tests/support/catch.hpp"

namespace troupe {

TEST_CASE("the nearest name is found across one slip of each kind") {
  const std::vector<std::string> names = {"carrier", "origin", "dep_delay", "arr_delay", "dest"};
  CHECK(nearest("carier", names) == "carrier");       // left out
  CHECK(nearest("carrrier", names) == "carrier");     // inserted
  CHECK(nearest("carriet", names) == "carrier");      // changed
  CHECK(nearest("carreir", names) == "carrier");      // swapped
  CHECK(nearest("Dep_Delay", names) == "dep_delay");  // case is no slip
  CHECK(nearest("depdelay", names) == "dep_delay");
}

TEST_CASE("a word that is like nothing gets no hint") {
  CHECK(nearest("weather", {"carrier", "dest"}).empty());
  CHECK(nearest("a", {"b"}).empty());
  CHECK(nearest("", {"a"}).empty());
  CHECK(nearest("x", {}).empty());
  CHECK(did_you_mean("weather", {"carrier"}).empty());
}

TEST_CASE("of equally near names the first is taken, a nearer one wins") {
  CHECK(nearest("delax", {"delay", "delab"}) == "delay");
  CHECK(nearest("arr_dely", {"dep_delay", "arr_delay"}) == "arr_delay");
  CHECK(did_you_mean("arr_dely", {"arr_delay"}) == "did you mean 'arr_delay'?");
}

}  // namespace troupe
