// What a run leaves beside its outputs is removed until it is gone for good: after failures, after
// another leader, and after whoever was out of reach is back.
#include "runtime/run/leftovers.hpp"

#include "tests/support/catch.hpp"

using namespace troupe;

namespace {

const NodeProcess n1{NodeId("n1"), Incarnation(4)};
const Instant now{1h};

Leftover left_by(std::uint64_t run, std::set<NodeProcess> away = {}) {
  return {RunId(run), RunUid(std::to_string(run)), nullptr, std::move(away)};
}

HeldTask held(std::uint64_t run, HeldState state = HeldState::running) {
  HeldTask task;
  task.run = RunId(run);
  task.attempt = Attempt(1);
  task.state = state;
  return task;
}

template <class E>
int count(const Effects& effects) {
  int found = 0;
  for (const Effect& effect : effects) found += std::holds_alternative<E>(effect);
  return found;
}

bool removes(const Effects& effects) { return count<effect::HaveDone>(effects) == 1; }

bool recorded(const Effects& effects) {
  for (const Effect& effect : effects) {
    const auto* persist = std::get_if<effect::Persist>(&effect);
    if (persist && std::holds_alternative<RunCleanedRecord>(persist->records.front())) return true;
  }
  return false;
}

}  // namespace

TEST_CASE("a run is recorded as cleaned after the removal, not before") {
  Leftovers leftovers({});
  const Effects added = leftovers.add(left_by(1));
  CHECK(removes(added));
  CHECK_FALSE(recorded(added));
  CHECK(recorded(leftovers.on_cleaned(RunId(1))));
  CHECK(leftovers.empty());
}

TEST_CASE("a new leader removes what the last one had to") {
  Leftovers leftovers({left_by(1), left_by(2)});
  CHECK(count<effect::HaveDone>(leftovers.start()) == 2);
}

TEST_CASE("a removal that fails is tried again, later each time") {
  Leftovers leftovers({});
  leftovers.add(left_by(1));
  const Error full = make_error(ErrorCode::unavailable, "the disk says no");
  CHECK(count<effect::Persist>(leftovers.on_failed(RunId(1), full, now)) == 1);
  CHECK(leftovers.next_deadline() == now + clean_up_retry_min);
  CHECK_FALSE(removes(leftovers.on_tick(now)));
  CHECK(removes(leftovers.on_tick(now + clean_up_retry_min)));
  CHECK(leftovers.on_failed(RunId(1), full, now).empty());  // the log has it
  CHECK(leftovers.next_deadline() == now + 2 * clean_up_retry_min);
  CHECK(removes(leftovers.on_tick(now + 2 * clean_up_retry_min)));
  CHECK(recorded(leftovers.on_cleaned(RunId(1))));
}

TEST_CASE("while a node is away the row stays; back, and without the run, it is done") {
  Leftovers leftovers({});
  CHECK(removes(leftovers.add(left_by(1, {n1}))));
  CHECK_FALSE(recorded(leftovers.on_cleaned(RunId(1))));
  CHECK(leftovers.on_listed({NodeId("n2"), Incarnation(9)}, {}).empty());
  CHECK(leftovers.on_listed({n1.first, Incarnation(3)}, {}).empty());  // not the same, an older one
  CHECK(removes(leftovers.on_listed({n1.first, Incarnation(5)}, {held(7)})));
  CHECK(recorded(leftovers.on_cleaned(RunId(1))));
}

TEST_CASE("a node that comes back and still works for the run is waited for") {
  Leftovers leftovers({});
  leftovers.add(left_by(1, {n1}));
  leftovers.on_cleaned(RunId(1));
  CHECK_FALSE(removes(leftovers.on_listed(n1, {held(1)})));
  const AttemptKey key = key_of(held(1));
  CHECK(leftovers.awaits(key));
  CHECK(removes(leftovers.on_stopped(key)));
  CHECK(recorded(leftovers.on_cleaned(RunId(1))));
}

TEST_CASE("what is only kept there does not write") {
  Leftovers leftovers({});
  leftovers.add(left_by(1, {n1}));
  leftovers.on_cleaned(RunId(1));
  CHECK(removes(leftovers.on_listed(n1, {held(1, HeldState::finished)})));
}

TEST_CASE("a node that is back during a removal means another one after it") {
  Leftovers leftovers({});
  leftovers.add(left_by(1, {n1}));
  CHECK_FALSE(removes(leftovers.on_listed(n1, {})));
  const Effects first = leftovers.on_cleaned(RunId(1));
  CHECK(removes(first));
  CHECK_FALSE(recorded(first));
  CHECK(recorded(leftovers.on_cleaned(RunId(1))));
}

TEST_CASE("a new leader with many of them removes a few at a time, and all") {
  std::vector<Leftover> many;
  for (std::uint64_t run = 1; run <= 3 * clean_ups_max; ++run) many.push_back(left_by(run));
  Leftovers leftovers(std::move(many));
  std::size_t begun = static_cast<std::size_t>(count<effect::HaveDone>(leftovers.start()));
  CHECK(begun == clean_ups_max);
  for (std::uint64_t run = 1; run <= 3 * clean_ups_max; ++run) {
    begun += static_cast<std::size_t>(count<effect::HaveDone>(leftovers.on_cleaned(RunId(run))));
  }
  CHECK(begun == 3 * clean_ups_max);
  CHECK(leftovers.empty());
}
