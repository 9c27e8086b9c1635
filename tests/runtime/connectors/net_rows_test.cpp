// Of the rows of an epoch no more are kept than mean something, in the order of their last change.
#include "runtime/connectors/net_rows.hpp"

#include "tests/support/catch.hpp"

using namespace troupe;

TEST_CASE("weights of equal rows add up, and what comes to nothing takes no room") {
  NetRows rows;
  for (int i = 0; i < 1000; ++i) {
    rows.add("a\t" + std::to_string(i), 1);
    if (i > 0) rows.add("a\t" + std::to_string(i - 1), -1);
  }
  rows.add("b\t1", 2);
  rows.add("c\t1", -1);
  rows.add("c\t1", 0);
  CHECK(rows.rows() == 3);
  CHECK(rows.bytes() == 11);
  CHECK(rows.take() == "a\t999\t1\nb\t1\t2\nc\t1\t-1\n");
  CHECK(rows.bytes() == 0);
  CHECK(rows.take().empty());
}

TEST_CASE("of the rows of a key the last one counts") {
  NetRows rows;
  rows.put("a", "a\t1");
  rows.put("b", "b\t1");
  rows.put("a", "a\t22");
  CHECK(rows.rows() == 2);
  CHECK(rows.bytes() == 9);
  CHECK(rows.take() == "b\t1\t1\na\t22\t1\n");
  CHECK(rows.bytes() == 0);
}
