// A conversation loses and repeats nothing while it lasts, ends visibly, and is never continued by
// another process. Shown on two sessions whose frames a test moves, drops, repeats and reorders.
#include "runtime/net/session.hpp"

#include "runtime/os/random.hpp"
#include "tests/runtime/net/session_pair.hpp"
#include "tests/support/catch.hpp"

using namespace troupe;
using Texts = std::vector<std::string>;

namespace {

int count(const Texts& log, const std::string& entry) {
  return static_cast<int>(std::ranges::count(log, entry));
}

Texts numbered(int count) {
  Texts texts;
  for (int i = 1; i <= count; ++i) texts.push_back(std::to_string(i));
  return texts;
}

}  // namespace

TEST_CASE("two nodes that meet are up at both ends and hold a lease from each other") {
  SessionPair pair;
  pair.connect();
  CHECK(pair.a.log.front() == "up 1");
  CHECK(pair.a.session.flowing());
  CHECK(pair.b.session.flowing());
  CHECK(count(pair.a.log, "own lease renewed") == 1);
  CHECK(count(pair.b.log, "own lease renewed") == 1);
}

TEST_CASE("one connection is not enough: both ends must be able to answer") {
  SessionPair pair;
  pair.happen(pair.a, session_event::Connected{});
  pair.settle();
  CHECK_FALSE(pair.a.session.up());
  CHECK_FALSE(pair.b.session.up());
  pair.happen(pair.b, session_event::Connected{});
  pair.settle();
  CHECK(pair.a.session.up());
  CHECK(pair.b.session.up());
}

TEST_CASE("messages arrive once and in order, and are forgotten when acknowledged") {
  SessionPair pair;
  pair.connect();
  for (const auto& text : numbered(3)) pair.say(pair.a, text);
  pair.settle();
  CHECK(pair.b.delivered == numbered(3));
  CHECK(pair.a.session.unacked_bytes() > 0);
  pair.pass(2s);
  CHECK(pair.a.session.unacked_bytes() == 0);
}

TEST_CASE("many messages are acknowledged before the next heartbeat") {
  SessionPair pair;
  pair.connect();
  for (const auto& text : numbered(64)) pair.say(pair.a, text);
  pair.settle();
  CHECK(pair.a.session.unacked_bytes() == 0);
}

TEST_CASE("a broken connection that comes back within the grace loses and repeats nothing") {
  SessionPair pair;
  pair.connect();
  pair.say(pair.a, "1");
  pair.settle();
  pair.say(pair.a, "2");  // on its way when the connection breaks
  pair.cut();
  pair.say(pair.a, "3");  // said while there is no connection
  CHECK(pair.a.log.back() == "closed");
  pair.now += 100ms;
  pair.connect();
  CHECK(pair.b.delivered == numbered(3));
  CHECK(count(pair.a.log, "resumed") == 1);
  CHECK(count(pair.b.log, "resumed") == 1);
  CHECK(count(pair.a.log, "down closed") == 0);
  CHECK(count(pair.b.log, "refuse duplicate") == 0);
}

TEST_CASE("a message that arrived but was not acknowledged before the break is not repeated") {
  SessionPair pair;
  pair.connect();
  for (int round = 0; round < 5; ++round) {
    pair.say(pair.a, std::to_string(round + 1));
    pair.settle();
    pair.cut();
    pair.connect();
  }
  CHECK(pair.b.delivered == numbered(5));
}

TEST_CASE("a connection that does not come back ends the session after the grace") {
  SessionPair pair;
  pair.connect();
  pair.cut();
  pair.pass(500ms, false);
  CHECK(count(pair.a.log, "down closed") == 1);
  CHECK(count(pair.a.log, "lease ended 1") == 0);
  pair.pass(10s, false);
  CHECK(count(pair.a.log, "lease ended 1") == 1);
}

TEST_CASE("an address that refuses connections ends the session at once") {
  SessionPair pair;
  pair.connect();
  pair.happen(pair.a, session_event::Disconnected{});
  pair.happen(pair.a, session_event::Refused{});
  CHECK(pair.a.log.back() == "down refused");
}

TEST_CASE("after the grace a new conversation begins from nothing") {
  SessionPair pair;
  pair.connect();
  pair.say(pair.a, "lost with its session");
  pair.cut();
  pair.pass(1s, false);
  pair.connect();
  CHECK(pair.a.session.up());
  CHECK(pair.b.session.up());
  CHECK(pair.b.delivered.empty());
  pair.say(pair.a, "1");
  pair.settle();
  CHECK(pair.b.delivered == Texts{"1"});
}

TEST_CASE("only one end noticed: the other learns from the new conversation's name") {
  SessionPair pair;
  pair.connect();
  pair.happen(pair.a, session_event::Disconnected{});
  pair.happen(pair.a, session_event::Refused{});
  pair.say(pair.b, "to a conversation that is over");
  pair.settle();
  CHECK(pair.a.delivered.empty());
  CHECK(count(pair.a.log, "refuse stale_session") == 1);
  pair.happen(pair.a, session_event::Connected{});
  pair.settle();
  CHECK(count(pair.b.log, "down new_session") == 1);
  CHECK(pair.a.session.flowing());
  CHECK(pair.b.session.flowing());
  pair.say(pair.b, "1");
  pair.settle();
  CHECK(pair.a.delivered == Texts{"1"});
}

TEST_CASE("a late welcome to a conversation that is over begins nothing") {
  SessionPair pair;
  pair.happen(pair.a, session_event::Connected{});
  pair.happen(pair.b, session_event::Connected{});
  std::optional<Frame> welcome;
  while (!pair.a.outgoing.empty() || !pair.b.outgoing.empty()) {
    if (!pair.b.outgoing.empty() && pair.b.outgoing.front().is<schema::Welcome>()) {
      welcome = pair.b.outgoing.front();
    }
    pair.carry(pair.a, pair.b);
    pair.carry(pair.b, pair.a);
  }
  REQUIRE(welcome);
  pair.happen(pair.a, session_event::Refused{});
  pair.happen(pair.a, session_event::Connected{});
  pair.arrive(pair.a, *welcome);
  CHECK_FALSE(pair.a.session.up());
  CHECK(pair.a.log.back() == "refuse stale_session");
}

TEST_CASE("a repeated frame is processed once") {
  SessionPair pair;
  pair.connect();
  pair.say(pair.a, "1");
  const Frame frame = pair.a.outgoing.front();
  pair.settle();
  for (int i = 0; i < 5; ++i) pair.arrive(pair.b, frame);
  CHECK(pair.b.delivered == Texts{"1"});
  CHECK(count(pair.b.log, "refuse duplicate") == 5);
}

TEST_CASE("frames that overtake each other are put in order") {
  SessionPair pair;
  pair.connect();
  for (const auto& text : numbered(10)) pair.say(pair.a, text);
  std::ranges::reverse(pair.a.outgoing);
  pair.settle();
  CHECK(pair.b.delivered == numbered(10));
}

TEST_CASE("what a network swallows is sent again") {
  SessionPair pair;
  pair.connect();
  for (const auto& text : numbered(5)) pair.say(pair.a, text);
  pair.a.outgoing.erase(pair.a.outgoing.begin(), pair.a.outgoing.begin() + 3);
  pair.settle();
  CHECK(pair.b.delivered.empty());
  pair.pass(4s);
  CHECK(pair.b.delivered == numbered(5));
}

TEST_CASE("an old incarnation is fenced and told so, whatever it says") {
  SessionPair pair;
  pair.replace(pair.b, 7);
  pair.connect();
  pair.replace(pair.b, 6);  // a frozen process that wakes up
  pair.now += 1s;
  pair.happen(pair.b, session_event::Connected{});
  pair.settle();
  CHECK(count(pair.a.log, "refuse stale_incarnation") >= 1);
  CHECK(pair.b.log.back() == "fenced 7");
  CHECK_FALSE(pair.b.session.up());
  CHECK(pair.a.session.up());
}

TEST_CASE("a fence behind our own incarnation does not stop us") {
  SessionPair pair;
  pair.connect();
  pair.arrive(
      pair.b,
      Frame::make<schema::Fenced>({.cluster = ClusterName("c"), .sender = NodeId("a")}, "",
                                  [](schema::Fenced::Builder) {})
          .stamped({.sender_incarnation = Incarnation(1), .receiver_incarnation = Incarnation(1)}));
  CHECK(pair.b.log.back() == "refuse misdirected");
  CHECK(pair.b.session.up());
}

TEST_CASE("a new incarnation ends the old one's session and does not continue it") {
  SessionPair pair;
  pair.connect();
  pair.say(pair.a, "for the old one");
  const Frame for_the_old_one = pair.a.outgoing.front();
  pair.a.outgoing.clear();
  pair.replace(pair.b, 2);
  pair.happen(pair.b, session_event::Connected{});
  pair.settle();
  CHECK(count(pair.a.log, "down new_incarnation") == 1);
  CHECK(count(pair.a.log, "up 2") == 1);
  CHECK(pair.b.delivered.empty());
  pair.arrive(pair.b, for_the_old_one);
  CHECK(pair.b.delivered.empty());
  CHECK(pair.b.log.back() == "refuse misdirected");
}

TEST_CASE("after a partition both ends have stopped, the one without consent first") {
  SessionPair pair;
  pair.connect();
  pair.pass(5s);
  // Nothing closes: packets just vanish.
  std::optional<Instant> own_ended;
  std::optional<Instant> lease_ended;
  while (!lease_ended && pair.now < SessionPair::start() + 60s) {
    pair.pass(500ms, false);
    if (!own_ended && count(pair.b.log, "own lease ended") == 1) own_ended = pair.now;
    if (count(pair.a.log, "lease ended 1") == 1) lease_ended = pair.now;
  }
  REQUIRE(own_ended);
  REQUIRE(lease_ended);
  CHECK(*own_ended + 1s < *lease_ended);  // by the margin at least
  CHECK(count(pair.a.log, "down lease_expired") == 1);
  CHECK(count(pair.b.log, "down lease_expired") == 1);
  CHECK(pair.a.reconnects == 1);
}

TEST_CASE("words that travel one way only renew no lease") {
  // b hears a, a does not hear b: a gives b up, and b must have stopped before.
  SessionPair pair;
  pair.connect();
  std::optional<Instant> own_ended;
  std::optional<Instant> lease_ended;
  while (!lease_ended && pair.now < SessionPair::start() + 60s) {
    pair.now += 500ms;
    pair.tick(pair.a);
    pair.tick(pair.b);
    while (!pair.a.outgoing.empty()) pair.carry(pair.a, pair.b);
    pair.b.outgoing.clear();
    if (!own_ended && count(pair.b.log, "own lease ended") == 1) own_ended = pair.now;
    if (count(pair.a.log, "lease ended 1") == 1) lease_ended = pair.now;
  }
  REQUIRE(own_ended);
  REQUIRE(lease_ended);
  CHECK(*own_ended < *lease_ended);
}

TEST_CASE("where loss is final, a lost incarnation never comes back, and the next one does") {
  SessionPair pair(10s, true);
  pair.connect();
  pair.pass(20s, false);
  CHECK(count(pair.a.log, "lease ended 1") == 1);
  pair.connect();
  pair.pass(3s);
  CHECK_FALSE(pair.a.session.up());
  CHECK(count(pair.b.log, "fenced 1") >= 1);
  pair.replace(pair.b, 2);
  pair.connect();
  CHECK(pair.a.session.up());
  CHECK(count(pair.a.log, "up 2") == 1);
}

TEST_CASE("where loss is not final, the same incarnation begins a new conversation") {
  SessionPair pair;
  pair.connect();
  pair.pass(20s, false);
  CHECK_FALSE(pair.a.session.up());
  pair.connect();
  CHECK(pair.a.session.up());
  CHECK(count(pair.b.log, "own lease renewed") == 2);
}

TEST_CASE("our own pause does not count against the peer, but counts against our lease") {
  SessionPair pair;
  pair.connect();
  pair.pass(2s);
  pair.say(pair.b, "1");  // waits at a's socket while a is frozen
  pair.now += 60s;
  pair.tick(pair.a);
  CHECK(count(pair.a.log, "own lease ended") == 1);
  CHECK(pair.a.session.up());
  pair.carry(pair.b, pair.a);
  pair.now += 500ms;
  pair.tick(pair.a);
  CHECK(pair.a.session.up());
  CHECK(pair.a.delivered == Texts{"1"});
}

TEST_CASE(
    "a node that lost its count and takes an incarnation twice is told how far it had counted") {
  SessionPair pair;
  pair.connect();
  pair.pass(2s);
  SessionConfig config = pair.b.session.config();
  config.process = 7;  // another process, and the incarnation of the one before
  pair.b.session = Session(config, pair.now);
  pair.b.log.clear();
  pair.cut();
  pair.connect();
  pair.pass(2s);
  CHECK_FALSE(pair.b.session.up());
  REQUIRE(count(pair.b.log, "fenced 1") == 1);
  CHECK(count(pair.a.log, "refuse stale_incarnation") >= 1);
  config.incarnation = Incarnation(2);
  pair.b.session = Session(config, pair.now);
  pair.cut();
  pair.connect();
  CHECK(pair.a.session.up());
  CHECK(pair.b.session.up());
}

TEST_CASE("a foreign cluster is told which cluster it met") {
  SessionPair pair;
  SessionConfig config = pair.b.session.config();
  config.cluster = ClusterName("other");
  pair.b.session = Session(config, pair.now);
  pair.connect();
  CHECK_FALSE(pair.a.session.up());
  CHECK_FALSE(pair.b.session.up());
  CHECK(pair.b.log.back().find("rejected: wrong cluster id: node 'a' belongs to cluster 'c'") == 0);
  CHECK(count(pair.a.log, "refuse wrong_cluster") >= 1);
}

TEST_CASE(
    "a rejected node is told once, asks again, and is welcome when the peer changes its mind") {
  SessionPair pair;
  pair.connect();
  const auto reject = [&] {
    pair.arrive(pair.b, Frame::make<schema::Reject>(
                            {.cluster = ClusterName("c"), .sender = NodeId("a")}, "",
                            [](schema::Reject::Builder no) { no.setText("key not on the list"); }));
  };
  reject();
  CHECK(count(pair.b.log, "down rejected") == 1);
  reject();
  CHECK(count(pair.b.log, "rejected: key not on the list") == 1);
  pair.b.outgoing.clear();
  for (int beat = 0; beat < 20; ++beat) {
    pair.now += 500ms;
    pair.tick(pair.b);
  }
  CHECK(pair.b.outgoing.size() == 1);  // one Hello a lease, not one a heartbeat
  pair.settle();
  CHECK(pair.a.session.flowing());
  CHECK(pair.b.session.flowing());
}

TEST_CASE("a session that follows another one in the same process is not taken for it") {
  SessionPair pair;
  pair.connect();
  for (int i = 0; i < 3; ++i) {  // numbers grow
    pair.happen(pair.a, session_event::Refused{});
    pair.happen(pair.a, session_event::Connected{});
    pair.settle();
  }
  SessionConfig config = pair.a.session.config();
  config.first_session = pair.a.session.next_session();
  config.fenced_up_to = pair.a.session.fenced_up_to();
  pair.happen(pair.a, session_event::Leave{"for now"});
  pair.settle();
  pair.a.session = Session(config, pair.now);
  pair.happen(pair.a, session_event::Connected{});
  pair.settle();
  CHECK(pair.a.session.flowing());
  CHECK(pair.b.session.flowing());
}

TEST_CASE("a peer that does not acknowledge is given up, not waited for") {
  SessionPair pair;
  SessionConfig config = pair.a.session.config();
  config.unacked_bytes_max = 10'000;
  pair.a.session = Session(config, pair.now);
  pair.connect();
  for (int i = 0; i < 1000 && pair.a.session.up(); ++i) pair.say(pair.a, "x");
  CHECK(pair.a.log.back() == "down slow_peer");
  CHECK(pair.a.reconnects == 1);
}

TEST_CASE("a goodbye is not a failure to wait for") {
  SessionPair pair;
  pair.connect();
  pair.happen(pair.b, session_event::Leave{"shutting down"});
  pair.settle();
  CHECK(count(pair.a.log, "down goodbye") == 1);
  CHECK(count(pair.b.log, "down left") == 1);
  pair.happen(pair.b, session_event::Connected{});
  CHECK(pair.b.outgoing.empty());
}

TEST_CASE("a scheduler that hangs behind a live link is reported once") {
  SessionPair pair;
  pair.connect();
  for (int beat = 0; beat < 4; ++beat) {
    pair.now += 1s;
    pair.happen(pair.b, session_event::Tick{.canary_age = 6s});
    pair.settle();
  }
  CHECK(count(pair.a.log, "stalled") == 1);
  pair.pass(2s);
  CHECK(pair.a.log.back() == "runs again");
}

TEST_CASE("a frame of somebody else is not of this session") {
  SessionPair pair;
  pair.connect();
  const Frame frame = Frame::make<schema::Goodbye>(
      {.cluster = ClusterName("c"), .sender = NodeId("mallory"), .incarnation = Incarnation(99)},
      "", [](schema::Goodbye::Builder) {});
  pair.arrive(pair.a, frame);
  CHECK(pair.a.log.back() == "refuse impostor");
  CHECK(pair.a.session.up());
}

TEST_CASE("an acknowledgement of what was never sent is refused") {
  SessionPair pair;
  pair.connect();
  pair.say(pair.a, "1");
  const Frame lie = pair.a.outgoing.front().stamped({.sender_incarnation = Incarnation(1),
                                                     .receiver_incarnation = Incarnation(1),
                                                     .sender_session = 1,
                                                     .receiver_session = 1,
                                                     .seq = 1,
                                                     .ack = 1000});
  pair.arrive(pair.b, lie);
  CHECK(count(pair.b.log, "refuse corrupt") == 1);
}

TEST_CASE("in any network, what is delivered in one conversation is a prefix of what was sent") {
  // 200 seeds; each drops, repeats, reorders and cuts at random. Conversations may end; within each
  // the receiver sees 1, 2, 3, ... without gap or repetition, and at the end all is well again.
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    INFO("seed " << seed);
    Random random(seed);
    SessionPair pair(10s, false);
    pair.connect();
    int said = 0;
    bool cut = false;
    Texts expected;
    std::size_t begun = pair.a.log.size();
    for (int step = 0; step < 300; ++step) {
      if (pair.a.session.up() && random.chance(1, 2)) {
        // A new conversation begins to count anew.
        for (; begun < pair.a.log.size(); ++begun) {
          if (pair.a.log[begun].starts_with("up")) said = 0;
        }
        pair.say(pair.a, std::to_string(++said));
      }
      pair.now += 50ms;
      pair.tick(pair.a);
      pair.tick(pair.b);
      if (!cut && random.chance(1, 40)) pair.cut(), cut = true;
      if (cut && random.chance(1, 4)) {
        pair.happen(pair.a, session_event::Connected{});
        pair.happen(pair.b, session_event::Connected{});
        cut = false;
      }
      for (auto* from : {&pair.a, &pair.b}) {
        auto& to = from == &pair.a ? pair.b : pair.a;
        auto& queue = from->outgoing;
        if (cut) queue.clear();
        if (queue.size() > 1 && random.chance(1, 10)) std::swap(queue.front(), queue.back());
        if (!queue.empty() && random.chance(1, 10)) queue.push_back(queue.front());
        if (!queue.empty() && random.chance(1, 15)) queue.pop_front();
        while (!queue.empty() && random.chance(9, 10)) pair.carry(*from, to);
      }
    }
    int last = 0;
    for (const auto& text : pair.b.delivered) {
      const int number = std::stoi(text);
      const bool continues = number == last + 1;
      const bool begins = number == 1;
      REQUIRE((continues || begins));
      last = number;
    }
    CHECK(pair.b.delivered.size() > 20);
    pair.cut();
    pair.now += 30s;
    pair.connect();
    pair.pass(15s);
    CHECK(pair.a.session.flowing());
    CHECK(pair.b.session.flowing());
    CHECK(pair.a.session.unacked_bytes() == 0);
  }
}
