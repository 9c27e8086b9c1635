// One epoch of a run: sealed, then published, then committed by every sink; a sink that is away is
// asked again, one that refuses is never passed over. The order of rows and commits is what counts.
#include "runtime/epoch/epoch_machine.hpp"

#include "runtime/base/node_fault.hpp"
#include "tests/support/catch.hpp"

#include <algorithm>

using namespace troupe;

namespace {

const auto owner = std::make_shared<const EpochOwner>(
    EpochOwner{RunId(7), RunUid("c-7-0"), std::make_shared<const std::string>("plan")});
const Manifest two_sinks{{{"a", {{"rows of a", 1}}}, {"b", {{"rows of b", 2}}}}, {}};
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
  static void add(std::string& text, const effect::HaveDone& wanted) {
    line(text, fmt::format("commit {} {} after {}", wanted.errand.vertex, wanted.errand.epoch,
                           wanted.errand.previous));
  }
  template <class Other>
  static void add(std::string&, const Other&) {}

  Decision& decision_;
};

struct Fixture {
  explicit Fixture(EpochMachine machine) : epoch(std::move(machine)) {}
  Decision decision{owner->run};
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
  CHECK(f.told() == "PUBLISHED");
  f.epoch.commit(Epoch(2), f.decision);
  CHECK(f.told() == "commit a 3 after 2 | commit b 3 after 2");
  f.epoch.on_committed("b", Instant(1h), f.decision);
  f.epoch.on_committed("b", Instant(1h), f.decision);
  CHECK_FALSE(f.epoch.committed());
  CHECK(f.told() == "");
  f.epoch.on_committed("a", Instant(1h), f.decision);
  CHECK(f.epoch.committed());
  CHECK(f.told() == "COMMITTED");
}

TEST_CASE("an epoch without output is committed as it is published") {
  Fixture f(EpochMachine(owner, {Epoch(3), EpochState::started}));
  f.epoch.publish(f.decision);
  f.epoch.commit(Epoch(2), f.decision);
  CHECK(f.told() == "PUBLISHED | COMMITTED");
}

TEST_CASE("what an earlier leader has published is committed again, without another row") {
  Fixture f(EpochMachine(owner, {Epoch(3), EpochState::published, two_sinks}));
  f.epoch.commit(Epoch(2), f.decision);
  CHECK(f.told() == "commit a 3 after 2 | commit b 3 after 2");
}

TEST_CASE("only what is not published can be aborted") {
  Fixture f(EpochMachine(owner, {Epoch(3), EpochState::started}));
  f.epoch.abort(f.decision);
  CHECK(f.told() == "ABORTED");
  Fixture late(EpochMachine(owner, {Epoch(3), EpochState::published, two_sinks}));
  late.epoch.abort(late.decision);
  CHECK(late.told() == "");
  CHECK(late.epoch.state() == EpochState::published);
}

TEST_CASE("a sink that is away is asked again, later each time, for as long as it takes") {
  Fixture f(EpochMachine(owner, {Epoch(3), EpochState::published, two_sinks}));
  f.epoch.commit(Epoch(2), f.decision);
  f.told();
  const Instant first(1h);
  Instant now = first;
  Duration delay = commit_retry_min;
  for (std::uint32_t failures = 1; failures < 200; ++failures) {
    f.epoch.on_commit_failed("a", away, now, f.decision);
    CHECK(f.told() == (failures == 1 ? "event" : ""));  // the log has it
    CHECK(f.epoch.next_deadline() == now + delay);
    f.epoch.on_tick(now, f.decision);
    CHECK(f.told() == "");
    now += delay;
    delay = std::min(delay * 2, commit_retry_max);
    f.epoch.on_tick(now, f.decision);
    CHECK(f.told() == "commit a 3 after 2");
    REQUIRE(f.epoch.waits() != nullptr);
    CHECK(f.epoch.waits()->vertex == "a");
    CHECK(f.epoch.waits()->since == first);
    CHECK(f.epoch.waits()->failures == failures);
  }
  CHECK_FALSE(f.epoch.refused());
  f.epoch.on_commit_failed("a", make_error(ErrorCode::timeout, "it is slow"), now, f.decision);
  CHECK(f.told() == "event");  // another reason
  f.epoch.on_committed("a", now, f.decision);
  CHECK(f.told() == "event");
  CHECK(f.epoch.waits() == nullptr);
}

TEST_CASE("what is the fault of a node never halts a run, whatever its code") {
  Fixture f(EpochMachine(owner, {Epoch(3), EpochState::published, two_sinks}));
  f.epoch.commit(Epoch(2), f.decision);
  f.epoch.on_commit_failed("a", node_fault(make_error(ErrorCode::corrupt, "its disk")), Instant(1h),
                           f.decision);
  CHECK_FALSE(f.epoch.refused());
  CHECK(f.epoch.next_deadline() == Instant(1h) + commit_retry_min);
}

TEST_CASE("a sink that says no for good is refused at once; one that has committed cannot fail") {
  Fixture f(EpochMachine(owner, {Epoch(3), EpochState::published, two_sinks}));
  f.epoch.commit(Epoch(2), f.decision);
  f.epoch.on_committed("a", Instant(1h), f.decision);
  f.epoch.on_commit_failed("a", make_error(ErrorCode::corrupt, "no"), Instant(1h), f.decision);
  f.epoch.on_commit_failed("stranger", make_error(ErrorCode::corrupt, "no"), Instant(1h),
                           f.decision);
  CHECK_FALSE(f.epoch.refused());
  f.epoch.on_commit_failed("b", make_error(ErrorCode::corrupt, "no"), Instant(1h), f.decision);
  CHECK(f.epoch.refused());
  CHECK(f.epoch.state() == EpochState::published);
}
