// One epoch of a run: sealed, then published, then committed by every sink; a sink that is away is
// asked again, one that refuses is never passed over. The order of rows and commits is what counts.
#include "runtime/epoch/epoch_machine.hpp"

#include "tests/support/catch.hpp"

using namespace troupe;

namespace {

const EpochOwner owner{RunId(7), RunUid("c-7-0"), std::make_shared<const std::string>("plan")};
const std::vector<SinkPart> two_sinks{{"a", {{"rows of a", 1}}}, {"b", {{"rows of b", 2}}}};
const Error away = make_error(ErrorCode::unavailable, "the storage is away");

/// "STARTED | manifest a b | commit a": what was decided since it was last asked, in its order.
class Told {
 public:
  explicit Told(Decision& decision) : decision_(decision) {}
  std::string operator()() {
    std::string text;
    for (const Effect& effect : decision_.take())
      std::visit([&](const auto& e) { add(text, e); }, effect);
    return text;
  }

 private:
  static void line(std::string& text, const std::string& one) {
    text += (text.empty() ? "" : " | ") + one;
  }
  static void add(std::string& text, const effect::Persist& persist) {
    for (const Record& record : persist.records) {
      if (const auto* epoch = std::get_if<EpochRecord>(&record)) line(text, to_string(epoch->to));
      if (std::holds_alternative<ManifestRecord>(record)) line(text, "manifest");
      if (std::holds_alternative<EventRecord>(record)) line(text, "event");
    }
  }
  static void add(std::string& text, const effect::CommitSink& commit) {
    line(text, fmt::format("commit {} as {}", commit.vertex, commit.marker));
  }
  template <class Other>
  static void add(std::string&, const Other&) {}

  Decision& decision_;
};

struct Fixture {
  explicit Fixture(EpochMachine machine) : epoch(std::move(machine)) {}
  Decision decision{owner.run};
  Told told{decision};
  EpochMachine epoch;
};

}  // namespace

TEST_CASE("an epoch is begun, sealed, published and committed, a row each") {
  Fixture f(EpochMachine(owner, Epoch(3)));
  f.epoch.begin(f.decision);
  CHECK(f.told() == "STARTED");
  f.epoch.seal(two_sinks, f.decision);
  CHECK(f.told() == "manifest");
  f.epoch.publish(f.decision);
  CHECK(f.told() == "PUBLISHED | commit a as c-7-0/1/a | commit b as c-7-0/1/b");
  f.epoch.on_committed("b", f.decision);
  f.epoch.on_committed("b", f.decision);
  CHECK_FALSE(f.epoch.committed());
  CHECK(f.told() == "");
  f.epoch.on_committed("a", f.decision);
  CHECK(f.epoch.committed());
  CHECK(f.told() == "COMMITTED");
}

TEST_CASE("an epoch without output is committed as it is published") {
  Fixture f(EpochMachine(owner, Epoch(3), EpochState::started));
  f.epoch.publish(f.decision);
  CHECK(f.told() == "PUBLISHED | COMMITTED");
}

TEST_CASE("what an earlier leader has published is committed again, without another row") {
  Fixture f(EpochMachine(owner, Epoch(3), EpochState::published, two_sinks));
  f.epoch.publish(f.decision);
  CHECK(f.told() == "commit a as c-7-0/1/a | commit b as c-7-0/1/b");
}

TEST_CASE("only what is not published can be aborted") {
  Fixture f(EpochMachine(owner, Epoch(3), EpochState::started));
  f.epoch.abort(f.decision);
  CHECK(f.told() == "ABORTED");
  Fixture late(EpochMachine(owner, Epoch(3), EpochState::published, two_sinks));
  late.epoch.abort(late.decision);
  CHECK(late.told() == "");
  CHECK(late.epoch.state() == EpochState::published);
}

TEST_CASE("a sink that is away is asked again, so long apart and so often; then it is refused") {
  Fixture f(EpochMachine(owner, Epoch(3), EpochState::published, two_sinks));
  f.epoch.publish(f.decision);
  f.told();
  Instant now(1h);
  for (std::uint32_t failures = 1; failures < commit_attempts_max; ++failures) {
    f.epoch.on_commit_failed("a", away, now, f.decision);
    CHECK(f.told() == "event");
    CHECK(f.epoch.next_deadline() == now + commit_retry_delay);
    f.epoch.on_tick(now, f.decision);
    CHECK(f.told() == "");
    now += commit_retry_delay;
    f.epoch.on_tick(now, f.decision);
    CHECK(f.told() == "commit a as c-7-0/1/a");
  }
  CHECK_FALSE(f.epoch.refused());
  f.epoch.on_commit_failed("a", away, now, f.decision);
  REQUIRE(f.epoch.refused());
  CHECK(f.epoch.refused()->message.find("'a' could not be committed") != std::string::npos);
}

TEST_CASE("a sink that says no for good is refused at once; one that has committed cannot fail") {
  Fixture f(EpochMachine(owner, Epoch(3), EpochState::published, two_sinks));
  f.epoch.publish(f.decision);
  f.epoch.on_committed("a", f.decision);
  f.epoch.on_commit_failed("a", make_error(ErrorCode::corrupt, "no"), Instant(1h), f.decision);
  f.epoch.on_commit_failed("stranger", make_error(ErrorCode::corrupt, "no"), Instant(1h),
                           f.decision);
  CHECK_FALSE(f.epoch.refused());
  f.epoch.on_commit_failed("b", make_error(ErrorCode::corrupt, "no"), Instant(1h), f.decision);
  CHECK(f.epoch.refused());
  CHECK(f.epoch.state() == EpochState::published);
}
