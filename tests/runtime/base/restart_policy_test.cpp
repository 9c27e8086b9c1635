// Whether to try again, and when: by the class of the failure, within a window, further and further
// apart. The invariant is tried with random failures: never more restarts in any window than
// allowed.
#include "runtime/base/restart_policy.hpp"

#include "tests/support/catch.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <random>
#include <vector>

using namespace troupe;

namespace {

constexpr RestartLimits limits{3, 10min, 200ms, 1s};
const Instant begin{1h};

}  // namespace

TEST_CASE("what can never work is not tried again, and does not count") {
  RestartPolicy policy(limits);
  for (const FailureClass failure :
       {FailureClass::user_error, FailureClass::poison_record, FailureClass::state_lost}) {
    const RestartDecision decision = policy.on_failure(failure, begin, 0);
    CHECK_FALSE(decision.restart);
    CHECK(decision.reason == fmt::format("a {} is not retried", to_string(failure)));
  }
  CHECK(policy.restarts_in_window() == 0);
}

TEST_CASE("a lost node is nobody's fault: it uses nothing up; where many are lost it waits") {
  RestartPolicy policy(limits);
  for (int i = 0; i < 60; ++i) {
    const RestartDecision decision = policy.on_failure(FailureClass::node_lost, begin, 0);
    CHECK(decision.restart);
    CHECK((decision.delay == Duration::zero()) == (i < 3));
    CHECK(decision.delay <= limits.max_delay);
    if (i == 3) CHECK(decision.delay == limits.initial_delay);
    if (i == 4) CHECK(decision.delay == 2 * limits.initial_delay);
  }
  CHECK(policy.restarts_in_window() == 0);
  CHECK(policy.on_failure(FailureClass::node_lost, begin + 10min, 0).delay == Duration::zero());
}

TEST_CASE("a faulty node is avoided at once, but counts") {
  RestartPolicy policy(limits);
  for (int i = 0; i < 3; ++i) {
    const RestartDecision decision = policy.on_failure(FailureClass::node_fault, begin, 12345);
    CHECK(decision.restart);
    CHECK(decision.delay == Duration::zero());
  }
  const RestartDecision last = policy.on_failure(FailureClass::node_fault, begin, 0);
  CHECK_FALSE(last.restart);
  CHECK(last.reason == "3 restarts within 600 s are used up");
}

TEST_CASE("others wait twice as long each time, up to a limit, less a random half at most") {
  RestartPolicy longest({10, 10min, 200ms, 1s});
  RestartPolicy shortest({10, 10min, 200ms, 1s});
  for (const Duration delay : {200ms, 400ms, 800ms, 1000ms, 1000ms}) {
    CHECK(longest.on_failure(FailureClass::internal, begin, 0).delay == delay);
    const auto most = static_cast<std::uint64_t>(delay.count()) / 2 - 1;
    CHECK(shortest.on_failure(FailureClass::resource, begin, most).delay == delay / 2 + 1ns);
  }
}

TEST_CASE("what is older than the window is forgotten, to the nanosecond") {
  RestartPolicy policy(limits);
  for (int i = 0; i < 3; ++i) CHECK(policy.on_failure(FailureClass::internal, begin, 0).restart);
  CHECK_FALSE(policy.on_failure(FailureClass::internal, begin + 10min - 1ns, 0).restart);
  const RestartDecision again = policy.on_failure(FailureClass::internal, begin + 10min, 0);
  CHECK(again.restart);
  CHECK(again.delay == 200ms);  // and so are the waits that it led to
}

TEST_CASE("never more restarts that count in any window than allowed") {
  std::mt19937_64 random(7);
  RestartPolicy policy({5, 1min, 1ms, 1s});
  std::vector<Instant> restarts;
  Instant now = begin;
  for (int i = 0; i < 5000; ++i) {
    now += Duration(static_cast<std::int64_t>(random() % 20'000'000'000));
    const auto failure = static_cast<FailureClass>(2 + random() % 3);
    const bool restart = policy.on_failure(failure, now, random()).restart;
    if (restart && failure != FailureClass::node_lost) restarts.push_back(now);
  }
  REQUIRE(restarts.size() > 100);
  for (std::size_t i = 5; i < restarts.size(); ++i) REQUIRE(restarts[i] - restarts[i - 5] >= 1min);
}
