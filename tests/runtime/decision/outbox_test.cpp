// Nothing leaves before the rows that were decided before it, and nothing overtakes.
#include "runtime/decision/outbox.hpp"

#include "tests/support/catch.hpp"

using namespace troupe;

namespace {

effect::Reply reply(std::uint64_t number) { return {number, RunId(1)}; }

std::vector<std::uint64_t> replies(const Effects& effects) {
  std::vector<std::uint64_t> numbers;
  for (const Effect& effect : effects) {
    if (const auto* each = std::get_if<effect::Reply>(&effect)) numbers.push_back(each->request);
  }
  return numbers;
}

using Numbers = std::vector<std::uint64_t>;

}  // namespace

TEST_CASE("without rows an effect leaves at once") {
  Outbox outbox;
  CHECK(replies(outbox.put({reply(1), reply(2)})) == Numbers{1, 2});
}

TEST_CASE("an effect waits for every row before it, and for every effect before it") {
  Outbox outbox;
  const Effects first = outbox.put({reply(1), effect::Persist{}, reply(2)});
  CHECK(replies(first) == Numbers{1});
  REQUIRE(std::holds_alternative<effect::Persist>(first.back()));
  CHECK(std::get<effect::Persist>(first.back()).ticket == 1);

  // Decided later, without rows of its own: it must not overtake.
  CHECK(replies(outbox.put({reply(3)})).empty());
  CHECK(replies(outbox.put({effect::Persist{}, reply(4)})).empty());
  CHECK(replies(outbox.durable(1)) == Numbers{2, 3});
  CHECK(replies(outbox.durable(2)) == Numbers{4});
  CHECK(outbox.idle());
}

TEST_CASE("a look goes to the store with the rows, in their order, and holds nothing up") {
  Outbox outbox;
  const Effects leaving =
      outbox.put({effect::Persist{}, effect::Look{1, "k", {}}, reply(1), effect::Persist{}});
  REQUIRE(leaving.size() == 3);
  CHECK(std::holds_alternative<effect::Persist>(leaving[0]));
  CHECK(std::holds_alternative<effect::Look>(leaving[1]));
  CHECK(std::holds_alternative<effect::Persist>(leaving[2]));
  CHECK(replies(outbox.durable(1)) == Numbers{1});
}

TEST_CASE("one write may make many tickets durable") {
  Outbox outbox;
  outbox.put({effect::Persist{}, reply(1), effect::Persist{}, reply(2)});
  CHECK(replies(outbox.durable(2)) == Numbers{1, 2});
  CHECK_THROWS_AS(outbox.durable(3), Defect);
}
