// The epochs of a streaming run: one is open at a time, no number is used twice, and sinks commit
// them one after the other, whatever a restart of the coordinator leaves behind.
#include "runtime/epoch/epochs.hpp"

#include "tests/support/catch.hpp"
#include "tests/support/sim_store.hpp"

using namespace troupe;

namespace {

const EpochOwner owner{RunId(1), RunUid("c-1-0"), std::make_shared<const std::string>("plan")};

/// A run's epochs over the store that its decisions are written to.
struct Fixture {
  Fixture() {
    RunRecord run;
    run.run = owner.run;
    run.uid = owner.uid;
    run.job = JobName("job");
    run.hash = "hash";
    REQUIRE(store.write({JobVersionRecord{run.job, run.hash, owner.plan, "", "ada"}, run}));
    restart();
  }

  const RunImage& rows() const { return store.all_runs().at(owner.run); }
  /// A new leader.
  void restart() { epochs.emplace(owner, 2, rows().epochs, rows().rows_committed); }

  /// The commits that were asked for: "a 3 after 2".
  std::vector<std::string> asked() {
    std::vector<std::string> all;
    for (const Effect& effect : decision.take()) {
      if (const auto* persist = std::get_if<effect::Persist>(&effect)) {
        REQUIRE(store.write(persist->records));
      }
      if (const auto* wanted = std::get_if<effect::HaveDone>(&effect)) {
        const Errand& errand = wanted->errand;
        all.push_back(fmt::format("{} {} after {}", errand.vertex, errand.epoch, errand.previous));
      }
    }
    return all;
  }
  Epoch publish(std::int64_t rows = 1) {
    const Epoch epoch = epochs->begin(decision);
    epochs->seal({{{"a", {{"rows", rows, epoch}}}}, {{TaskId(), {}}}}, decision);
    epochs->publish(decision);
    return epoch;
  }
  void commit() { epochs->on_committed("a", Instant(1h), decision); }

  sim::Store store{ClusterId("c")};
  Decision decision{owner.run};
  std::optional<Epochs> epochs;
};

using Asked = std::vector<std::string>;

}  // namespace

TEST_CASE("epochs that are published are committed one after the other") {
  Fixture f;
  CHECK(f.publish(3) == Epoch(1));
  CHECK(f.asked() == Asked{"a 1 after 0"});
  CHECK(f.publish(4) == Epoch(2));
  CHECK(f.publish(5) == Epoch(3));
  CHECK(f.asked() == Asked{});
  CHECK(f.epochs->uncommitted() == 3);
  CHECK(f.epochs->published() == Epoch(3));
  f.commit();
  CHECK(f.asked() == Asked{"a 2 after 1"});
  CHECK(f.epochs->rows_committed() == 3);
  f.commit();
  CHECK(f.asked() == Asked{"a 3 after 2"});
  f.commit();
  CHECK(f.asked() == Asked{});
  CHECK(f.epochs->all_over());
  CHECK(f.epochs->rows_committed() == 12);
  CHECK(f.rows().rows_committed == 12);
}

TEST_CASE("the number of an aborted epoch is not used again, also not by a new leader") {
  Fixture f;
  f.publish();
  f.commit();
  CHECK(f.epochs->begin(f.decision) == Epoch(2));
  f.epochs->abort(f.decision);
  CHECK(f.epochs->open() == Epoch());
  CHECK(f.epochs->published() == Epoch(1));
  f.asked();
  f.restart();
  CHECK(f.epochs->published() == Epoch(1));
  CHECK(f.publish() == Epoch(3));
  CHECK(f.asked() == Asked{"a 3 after 1"});
}

TEST_CASE("a new leader commits what is published, the oldest first") {
  Fixture f;
  f.publish();
  f.commit();
  f.publish();
  f.publish();
  f.asked();
  f.restart();
  CHECK(f.epochs->uncommitted() == 2);
  f.epochs->commit_published(f.decision);
  CHECK(f.asked() == Asked{"a 2 after 1"});
  f.epochs->commit_published(f.decision);  // it is being committed
  CHECK(f.asked() == Asked{});
  f.publish();
  f.commit();
  f.commit();
  CHECK(f.asked() == Asked{"a 3 after 2", "a 4 after 3"});
}

TEST_CASE("what nobody goes back to any more is not kept") {
  Fixture f;
  for (int i = 0; i < 1500; ++i) {
    f.publish();
    f.commit();
    f.asked();
  }
  const auto& rows = f.rows().epochs;
  CHECK(rows.size() <= epochs_remembered_max + 1);
  CHECK(rows.back().epoch == Epoch(1500));
  const auto whole = std::count_if(rows.begin(), rows.end(),
                                   [](const auto& row) { return row.manifest.has_value(); });
  CHECK(whole == 2);  // `keep`
  f.restart();
  CHECK(f.epochs->published() == Epoch(1500));
  CHECK(f.epochs->last_manifest().tasks.size() == 1);
}

TEST_CASE("an epoch that a sink refuses is never passed over") {
  Fixture f;
  f.publish();
  f.publish();
  f.asked();
  f.epochs->on_commit_failed("a", make_error(ErrorCode::corrupt, "no"), Instant(1h), f.decision);
  CHECK(f.epochs->refused());
  CHECK(f.asked() == Asked{});
  CHECK(f.epochs->uncommitted() == 2);
}
