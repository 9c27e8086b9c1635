// Whoever has work done on the I/O pool hears what came of it, once, whatever happens: the work
// throws, the pool has no room, or stops before its turn.
#include "actors/system/io_pool.hpp"

#include "tests/support/catch.hpp"

#include <atomic>
#include <stdexcept>
#include <string>

using namespace troupe;

namespace {

/// Runs what waits, in this thread.
void run_all(IoPool& pool) {
  while (pool.run_one()) {
  }
}

template <class Work>
auto outcome_of(Work work) {
  IoPool pool({.threads = 0});
  std::optional<decltype(caught(work))> heard;
  pool.call(std::move(work), [&](auto result) {
    REQUIRE_FALSE(heard);
    heard = std::move(result);
  });
  CHECK_FALSE(heard);
  run_all(pool);
  REQUIRE(heard);
  return *heard;
}

}  // namespace

TEST_CASE("work hands its value, or its error, to who waits for it") {
  CHECK(*outcome_of([] { return 7; }) == 7);
  CHECK(*outcome_of([]() -> Result<int> { return 8; }) == 8);
  CHECK(outcome_of([] {}).ok());
  CHECK(outcome_of([]() -> Result<> { return make_error(ErrorCode::not_found, "no"); })
            .error()
            .message == "no");
}

TEST_CASE("whatever work throws is the error of who waits for it") {
  const auto thrown = outcome_of([]() -> Result<int> { throw std::runtime_error("a library's"); });
  REQUIRE_FALSE(thrown);
  CHECK(thrown.error() == make_error(ErrorCode::internal, "a library's"));
  CHECK(outcome_of([] { throw 3; }).error().code == ErrorCode::internal);
  // Memory may be there again later.
  CHECK(outcome_of([] { throw std::bad_alloc(); }).error().code == ErrorCode::unavailable);
  const auto defect = outcome_of([] { ENSURE(1 > 2, "it is not"); });
  CHECK(defect.error().code == ErrorCode::internal);
}

TEST_CASE("nothing of the work is left when its outcome is told, or that it will not be done") {
  for (const bool stopped : {false, true}) {
    IoPool pool({.threads = 0});
    auto held = std::make_shared<int>(1);
    const std::weak_ptr<int> still_there = held;
    bool told = false;
    pool.call([held = std::move(held)] { return *held; },
              [&](const Result<int>& outcome) {
                CHECK(outcome.ok() != stopped);
                CHECK(still_there.expired());
                told = true;
              });
    CHECK_FALSE(still_there.expired());
    if (stopped) pool.stop();
    run_all(pool);
    CHECK(told);
  }
}

TEST_CASE("work that the pool has no room for is refused at once, and what waited before is done") {
  IoPool pool({.threads = 0, .waiting_max = 2});
  std::string heard;
  for (int i = 0; i < 3; ++i) {
    pool.call([i] { return i; },
              [&](Result<int> result) {
                heard += result ? std::to_string(*result)
                                : fmt::format("[{}]", to_string(result.error().code));
              });
  }
  CHECK(heard == "[unavailable]");
  run_all(pool);
  CHECK(heard == "[unavailable]01");
}

TEST_CASE("a pool that stops refuses what still waits, and all that comes later") {
  std::atomic<int> answers{0};
  std::atomic<int> refusals{0};
  const auto hear = [&](const Result<>& done) {
    ++answers;
    if (!done) ++refusals;
  };
  IoPool idle({.threads = 0});
  for (int i = 0; i < 5; ++i) idle.call([] {}, hear);
  idle.stop();
  CHECK(answers == 5);
  CHECK(refusals == 5);
  idle.call([] {}, hear);
  CHECK(refusals == 6);
  // With threads at work: each of a thousand is either done or refused.
  answers = 0;
  {
    IoPool busy({.threads = 2});
    for (int i = 0; i < 1000; ++i) busy.call([] { throw std::logic_error("again"); }, hear);
    busy.stop();
  }
  CHECK(answers == 1000);
}
