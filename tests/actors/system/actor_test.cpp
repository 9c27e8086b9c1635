#include "actors/system/actor.hpp"

#include "actors/system/stepped_actor_system.hpp"
#include "tests/support/catch.hpp"

#include <future>
#include <memory>
#include <string>
#include <thread>
#include <vector>

using namespace troupe;

namespace {

using Log = std::shared_ptr<std::vector<std::string>>;
Log make_log() { return std::make_shared<std::vector<std::string>>(); }

struct Say {
  std::string word;
};
struct Break {};
struct Finish {};
struct GetSum {
  int a = 0;
  int b = 0;
  Reply<int> reply;
};

class Listener : public ActorOf<Listener, Say, Break, Finish, GetSum> {
 public:
  explicit Listener(Log log) : log_(std::move(log)) {}
  ~Listener() override { log_->push_back("gone"); }

  void on(const Say& say) { log_->push_back(say.word); }
  void on(const Break&) { ENSURE(false, "broken on purpose"); }
  void on(const Finish&) { end(); }
  void on(const GetSum& question) {
    if (question.a < 0) return;  // forgets to answer
    question.reply(question.a + question.b);
  }

 private:
  Log log_;
};

struct Ask {
  int a = 0;
};

class Asker : public ActorOf<Asker, Ask, Say> {
 public:
  Asker(Listener::Ref other, Log log) : other_(other), log_(std::move(log)) {}

  void start() override {
    watch(other_.handle(), [this](const Down& down) {
      log_->push_back("down: " + (down.error ? down.error->message : "as intended"));
    });
  }
  void on(const Ask& what) {
    ask<int>(
        other_, 5s,
        [&](Reply<int> reply) {
          return GetSum{what.a, 1, reply};
        },
        [this](Result<int> sum) {
          log_->push_back(sum ? std::to_string(*sum) : to_string(sum.error().code));
        });
  }
  void on(const Say& say) { log_->push_back(say.word); }

 private:
  Listener::Ref other_;
  Log log_;
};

class Ticker : public ActorOf<Ticker, Finish> {
 public:
  explicit Ticker(Log log) : log_(std::move(log)) {}
  void start() override {
    every(10ms, [this] { log_->push_back("tick"); });
    after(25ms, [this] { log_->push_back("once"); });
    cancel(after(5ms, [this] { log_->push_back("cancelled"); }));
  }
  void on(const Finish&) { end(); }

 private:
  Log log_;
};

}  // namespace

TEST_CASE("messages arrive in order, and high ones overtake those that wait") {
  SteppedActorSystem system;
  auto log = make_log();
  auto actor = system.spawn<Listener>("listener", log);
  actor.tell(Say{"1"});
  actor.tell(Say{"2"});
  actor.tell(Say{"3"}, Priority::high);
  actor.tell(Finish{});
  system.run();
  CHECK(*log == std::vector<std::string>{"3", "1", "2", "gone"});
  CHECK(system.live().empty());
}

TEST_CASE("an actor that breaks an invariant ends as internal, and its watcher is told why") {
  SteppedActorSystem system;
  auto log = make_log();
  auto actor = system.spawn<Listener>("listener", make_log());
  system.spawn<Asker>("asker", actor, log);
  system.run();
  actor.tell(Break{});
  system.run();
  REQUIRE(log->size() == 1);
  CHECK(log->front().find("broken on purpose") != std::string::npos);
  CHECK(actor.handle().ended());
}

TEST_CASE("who begins to watch an actor that has ended is told at once") {
  SteppedActorSystem system;
  auto log = make_log();
  auto actor = system.spawn<Listener>("listener", make_log());
  actor.tell(Finish{});
  system.run();
  system.spawn<Asker>("asker", actor, log);
  system.run();
  CHECK(*log == std::vector<std::string>{"down: as intended"});
}

TEST_CASE("a question gets one answer: the value, a silence, a death or a time-out") {
  SteppedActorSystem system;
  auto log = make_log();
  auto actor = system.spawn<Listener>("listener", make_log());
  auto asker = system.spawn<Asker>("asker", actor, log);
  asker.tell(Ask{41});
  system.run();
  CHECK(log->back() == "42");

  asker.tell(Ask{-1});  // the last copy of the reply goes unused
  system.run();
  CHECK(log->back() == "unavailable");

  actor.handle().stop();
  system.run();
  asker.tell(Ask{1});
  system.run();
  CHECK(log->back() == "unavailable");
  CHECK(log->size() == 4);  // the three answers and one death
  system.advance(1min);
  system.run();
  CHECK(log->size() == 4);  // deadlines of answered questions say nothing
}

TEST_CASE("a question whose answer is held back times out, and a late answer is dropped") {
  struct Holder : ActorOf<Holder, GetSum> {
    explicit Holder(std::shared_ptr<std::vector<Reply<int>>> held) : held_(std::move(held)) {}
    void on(const GetSum& question) { held_->push_back(question.reply); }
    std::shared_ptr<std::vector<Reply<int>>> held_;
  };
  struct Questioner : ActorOf<Questioner, Ask> {
    Questioner(Holder::Ref other, Log log) : other_(other), log_(std::move(log)) {}
    void on(const Ask&) {
      ask<int>(
          other_, 5s,
          [](Reply<int> reply) {
            return GetSum{1, 1, reply};
          },
          [this](Result<int> sum) { log_->push_back(sum ? "?" : to_string(sum.error().code)); });
    }
    Holder::Ref other_;
    Log log_;
  };
  SteppedActorSystem system;
  auto log = make_log();
  auto held = std::make_shared<std::vector<Reply<int>>>();
  auto holder = system.spawn<Holder>("holder", held);
  system.spawn<Questioner>("questioner", holder, log).tell(Ask{});
  system.run();
  system.advance(4s);
  system.run();
  CHECK(log->empty());
  system.advance(2s);
  system.run();
  CHECK(*log == std::vector<std::string>{"timeout"});
  held->front()(2);
  system.run();
  CHECK(log->size() == 1);
}

TEST_CASE("timers follow the clock and end with their actor") {
  SteppedActorSystem system;
  auto log = make_log();
  auto actor = system.spawn<Ticker>("ticker", log);
  system.run();
  for (int i = 0; i < 30; ++i) {
    system.advance(1ms);
    system.run();
  }
  CHECK(*log == std::vector<std::string>{"tick", "tick", "once", "tick"});
  actor.tell(Finish{});
  system.run();
  system.advance(1s);
  system.run();
  CHECK(log->size() == 4);
}

TEST_CASE("a message that an actor does not accept is counted, not lost in silence") {
  SteppedActorSystem system;
  auto actor = system.spawn<Listener>("listener", make_log());
  actor.handle().send(Message::of(Ask{1}));
  system.run();
  CHECK(system.unexpected_messages() == 1);
  CHECK_FALSE(actor.handle().ended());
}

TEST_CASE("a system may end on another thread than it began on") {
  // As a node's does that is expelled and begins again: its supervisor ends it, while the thread
  // that made it and spawned its actors lives on. CAF used to wait for that thread here.
  auto system = std::make_unique<ActorSystem>(ActorSystemOptions{.workers = 1});
  system->spawn<Listener>("listener", make_log());
  std::promise<void> ended;
  auto over = ended.get_future();
  std::thread([&] {
    system.reset();
    ended.set_value();
  }).detach();
  REQUIRE(over.wait_for(std::chrono::seconds(10)) == std::future_status::ready);
}
