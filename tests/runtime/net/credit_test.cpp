// A channel never holds more than its window, never stalls while there is room, and notices who
// does not keep to it. Shown on both ends with grants late, repeated and overtaken.
#include "runtime/net/credit.hpp"

#include "runtime/os/random.hpp"
#include "tests/support/catch.hpp"

#include <deque>

using namespace troupe;

TEST_CASE("a sender stops at the window, in bytes or in batches") {
  CreditSender by_bytes({.bytes = 100, .batches = 10});
  by_bytes.sent(60);
  CHECK(by_bytes.may_send(40));
  CHECK_FALSE(by_bytes.may_send(41));
  CreditSender by_batches({.bytes = 100, .batches = 2});
  by_batches.sent(1);
  by_batches.sent(1);
  CHECK_FALSE(by_batches.may_send(1));
}

TEST_CASE("a batch larger than the window travels alone") {
  CreditSender sender({.bytes = 100, .batches = 10});
  CHECK(sender.may_send(1000));
  sender.sent(1000);
  CHECK_FALSE(sender.may_send(1));
  REQUIRE(sender.granted({.bytes = 1000, .batches = 1}));
  CHECK(sender.may_send(1));
}

TEST_CASE("grants may come twice or overtake each other") {
  CreditSender sender({.bytes = 100, .batches = 10});
  for (int i = 0; i < 4; ++i) sender.sent(25);
  REQUIRE(sender.granted({.bytes = 75, .batches = 3}));
  REQUIRE(sender.granted({.bytes = 50, .batches = 2}));
  REQUIRE(sender.granted({.bytes = 75, .batches = 3}));
  CHECK(sender.in_flight() == Credit{.bytes = 25, .batches = 1});
}

TEST_CASE("a grant for what was never sent is corrupt") {
  CreditSender sender;
  sender.sent(10);
  CHECK(sender.granted({.bytes = 11, .batches = 1}).error().code == ErrorCode::corrupt);
  CHECK(sender.granted({.bytes = 10, .batches = 2}).error().code == ErrorCode::corrupt);
}

TEST_CASE("a sender that ignores its credit is noticed") {
  CreditReceiver receiver({.bytes = 100, .batches = 3});
  REQUIRE(receiver.received(60));
  CHECK(receiver.received(60).error().code == ErrorCode::corrupt);
}

TEST_CASE("any channel moves everything, and holds the window at most") {
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    INFO("seed " << seed);
    Random random(seed);
    const Credit window = {.bytes = 1 + random.below(500), .batches = 1 + random.below(8)};
    CreditSender sender(window);
    CreditReceiver receiver(window);
    std::deque<std::uint64_t> flying, held;
    std::deque<Credit> grants;
    int sent = 0, consumed = 0, idle = 0;
    std::uint64_t next = 1 + random.below(200);
    while (consumed < 200) {
      REQUIRE(++idle < 1000);  // it stalls
      if (sent < 200 && sender.may_send(next)) {
        sender.sent(next);
        flying.push_back(next);
        next = 1 + random.below(200);
        ++sent, idle = 0;
      }
      if (!flying.empty() && random.chance(1, 2)) {
        REQUIRE(receiver.received(flying.front()));
        held.push_back(flying.front());
        flying.pop_front();
        const Credit holding = receiver.held();
        REQUIRE(holding.batches <= window.batches);
        REQUIRE((holding.batches == 1 || holding.bytes <= window.bytes));
      }
      if (!held.empty() && random.chance(1, 2)) {
        if (receiver.consumed(held.front())) grants.push_back(receiver.grant());
        held.pop_front();
        ++consumed, idle = 0;
      }
      if (!grants.empty() && random.chance(1, 2)) {
        REQUIRE(sender.granted(grants.front()));
        grants.pop_front();
      }
    }
  }
}
