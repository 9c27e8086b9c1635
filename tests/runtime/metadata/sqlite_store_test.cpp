// The metadata store: what was written is what a new leader reads, the term only grows, and a
// state that is not what the writer believes refuses the whole transaction.
#include "runtime/metadata/sqlite_store.hpp"

#include "runtime/decision/column_codec.hpp"
#include "runtime/os/file_system.hpp"
#include "tests/runtime/metadata/rows.hpp"

using namespace troupe;
using namespace troupe::rows;

namespace {

const AttemptKey attempt{RunId(1), {StageId(2), 1}, Attempt(5)};

}  // namespace

TEST_CASE("the term grows with every leader, the cluster stays what it is") {
  Fixture fixture;
  const auto first = fixture.store->begin_term();
  CHECK(first->term == Term(1));
  fixture.store = fixture.open();
  const auto image = fixture.store->begin_term();
  REQUIRE(image);
  CHECK(image->term == Term(2));
  CHECK(image->cluster == first->cluster);
}

TEST_CASE("metadata of another cluster's name is refused; two of one name are two clusters") {
  Fixture fixture, other;
  CHECK_FALSE(fixture.store->begin_term()->cluster == other.store->begin_term()->cluster);
  fixture.store.reset();
  const auto opened = open_sqlite_store(fixture.settings("c2"), system_clock());
  REQUIRE_FALSE(opened);
  CHECK(opened.error().code == ErrorCode::conflict);
}

TEST_CASE("a run comes back as it was, with attempts, outputs and manifest") {
  Fixture fixture;
  AttemptResultRecord result;
  result.key = attempt;
  result.sink = "save";
  result.outputs = {{4, {{10, 77}, {0, 0}}}};
  result.committables = {{"{\"file\":\"a\"}", 10}};
  result.counters.vertices = {{"save", 10, 0, 80, 0}};
  result.counters.busy = 3ms;
  const std::vector<SinkPart> manifest{{"save", result.committables}};
  REQUIRE(fixture.store->write(
      {version(), run_record(1, "key-1"),
       RunStateRecord{RunId(1), RunState::queued, RunState::starting},
       SplitsRecord{RunId(1), {{{{"{\"f\":1}", 9, 3}}}, {}}},
       RunStateRecord{RunId(1), RunState::starting, RunState::running},
       AttemptRecord{attempt, NodeId("a"), Incarnation(2)},
       AttemptStateRecord{attempt, AttemptState::deploying, AttemptState::running},
       AttemptStateRecord{attempt, AttemptState::running, AttemptState::finished}, result,
       EpochRecord{RunId(1), Epoch(1), {}, EpochState::started},
       ManifestRecord{RunId(1), Epoch(1), {manifest, {}}},
       EpochRecord{RunId(1), Epoch(1), EpochState::started, EpochState::published}}));
  fixture.store = fixture.open();
  const auto image = fixture.store->begin_term();
  REQUIRE(image);
  CHECK(image->last_run == RunId(1));
  REQUIRE(image->runs.size() == 1);
  const RunImage& run = image->runs.front();
  CHECK(run.state == RunState::running);
  CHECK(*run.plan == *version().plan);
  CHECK(run.made.target.parallelism == 3);
  CHECK(run.made.target.keep_blocking_edges);
  CHECK(run.made.uid == RunUid("c-1-0000000000000001"));
  REQUIRE(run.splits);
  CHECK(run.splits->front().front().front() == Split{"{\"f\":1}", 9, 3});
  REQUIRE(run.attempts.size() == 1);
  CHECK(run.attempts[0].state == AttemptState::finished);
  REQUIRE(run.attempts[0].result);
  CHECK(run.attempts[0].result->outputs == result.outputs);
  CHECK(run.attempts[0].result->committables == result.committables);
  CHECK(run.attempts[0].result->counters == result.counters);
  REQUIRE(run.epochs.size() == 1);
  CHECK(run.epochs[0].state == EpochState::published);
  CHECK(run.epochs[0].manifest == Manifest{manifest, {}});
}

TEST_CASE("a state that is not what the writer believes refuses everything in the write") {
  Fixture fixture;
  REQUIRE(fixture.store->write({version(), run_record(1)}));
  const auto refused =
      fixture.store->write({EventRecord{RunId(1), log::Level::info, "never happened"},
                            RunStateRecord{RunId(1), RunState::running, RunState::finishing}});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == ErrorCode::conflict);
  CHECK(fixture.store->events({}, 0, 10)->empty());
  CHECK(fixture.store->run(RunId(1))->image.state == RunState::queued);
}

TEST_CASE("an incarnation never goes back") {
  Fixture fixture;
  REQUIRE(fixture.store->write({NodeRecord{NodeId("a"), Incarnation(3), "tcp://x", 2, false}}));
  CHECK_FALSE(fixture.store->write({NodeRecord{NodeId("a"), Incarnation(2), "tcp://x", 2, false}}));
  CHECK(fixture.store->begin_term()->nodes.at(NodeId("a")).incarnation == Incarnation(3));
}

TEST_CASE("runs that have ended are history, not work") {
  Fixture fixture;
  const Error cause{ErrorCode::corrupt, "bad file", "write it again"};
  REQUIRE(fixture.store->write({version(), run_record(1), run_record(2),
                                RunStateRecord{RunId(1), RunState::queued, RunState::failed, cause},
                                EventRecord{RunId(1), log::Level::error, "failed"},
                                EventRecord{RunId(2), log::Level::info, "waits"}}));
  const auto image = fixture.store->begin_term();
  REQUIRE(image->runs.size() == 1);
  CHECK(image->runs[0].made.run == RunId(2));
  const auto ended = fixture.store->run(RunId(1));
  CHECK(ended->image.cause == cause);
  CHECK(ended->times.finished);
  CHECK_FALSE(ended->times.started);
  CHECK(fixture.store->runs(JobName("ns/job"), {}, 10)->size() == 2);
  CHECK(fixture.store->runs(JobName("other"), {}, 10)->empty());
  const auto older = fixture.store->runs(JobName("ns/job"), RunId(2), 10);
  REQUIRE(older->size() == 1);
  CHECK(older->front().made.run == RunId(1));
  CHECK(fixture.store->runs({}, RunId(1), 10)->empty());
  CHECK(fixture.store->events(RunId(2), 0, 10)->front().event.text == "waits");
  CHECK(fixture.store->events({}, 1, 10)->size() == 1);
  CHECK(fixture.store->run(RunId(9)).error().code == ErrorCode::not_found);
}

TEST_CASE("a job runs its latest version") {
  Fixture fixture;
  REQUIRE(fixture.store->write({version("h1"), run_record(1)}));
  REQUIRE(fixture.store->write({version("h2")}));
  const auto stored = fixture.store->job(JobName("ns/job"));
  REQUIRE(stored);
  CHECK(stored->summary.hash == "h2");
  CHECK(*stored->plan == *version().plan);
  CHECK(stored->descriptor == "kind: Job");
  CHECK(fixture.store->jobs(JobName(), 10)->front().last_run == RunId(1));
  CHECK(fixture.store->jobs(JobName("ns/job"), 10)->empty());
  REQUIRE(fixture.store->write({version("h1")}));
  CHECK(fixture.store->job(JobName("ns/job"))->summary.hash == "h1");
  CHECK(fixture.store->job(JobName("no")).error().code == ErrorCode::not_found);
}

TEST_CASE("a run that has ended is left behind until a row says that it is cleaned") {
  Fixture fixture;
  REQUIRE(fixture.store->begin_term());
  const AttemptRecord made{attempt, NodeId("n1"), Incarnation(4)};
  REQUIRE(fixture.store->write({version(), run_record(1), made, run_record(2)}));
  CHECK(fixture.store->begin_term()->leftovers.empty());
  REQUIRE(fixture.store->write(
      {AttemptStateRecord{attempt, AttemptState::deploying, AttemptState::killed},
       RunStateRecord{RunId(1), RunState::queued, RunState::cancelled},
       RunStateRecord{RunId(2), RunState::queued, RunState::halted}}));
  fixture.store = fixture.open();
  const auto image = fixture.store->begin_term();
  REQUIRE(image);
  // What a halted run staged is what a person needs to mend it.
  REQUIRE(image->leftovers.size() == 1);
  const Leftover& leftover = image->leftovers.front();
  CHECK(leftover.run == RunId(1));
  CHECK(leftover.uid == run_record(1).uid);
  CHECK(*leftover.plan == *version().plan);
  CHECK(leftover.away == std::set<NodeProcess>{{NodeId("n1"), Incarnation(4)}});
  REQUIRE(fixture.store->write({RunCleanedRecord{RunId(1)}}));
  CHECK(fixture.store->begin_term()->leftovers.empty());
  CHECK_FALSE(fixture.store->write({RunCleanedRecord{RunId(7)}}));
}

TEST_CASE("the metadata is its owner's alone, with all that lies beside it") {
  Fixture fixture;
  REQUIRE(fixture.store->write({version(), run_record(1)}));
  const auto names = *system_files().list(fixture.dir.path());
  for (const std::string& name : names) {
    INFO(name);
    CHECK(*system_files().is_private(fixture.dir.path() + "/" + name));
  }
  for (const char* name : {"/metadata.db-wal", "/metadata.db-shm", "/metadata.lock"}) {
    CHECK(system_files().exists(fixture.dir.path() + name));
  }
}

TEST_CASE("a run that resumes another one has its splits and its epochs, once") {
  Fixture fixture;
  const RunId first(1), second(2);
  const Manifest manifest{{{"save", {{"a", 4}}}}, {}, RunUid("c-1-1")};
  RunRecord next = run_record(2);
  next.lineage = run_record(1).uid;
  next.resumes = first;
  REQUIRE(fixture.store->write(
      {version(), run_record(1), RunStateRecord{first, RunState::queued, RunState::running},
       SplitsRecord{first, {{{{"{}", 9, 3}}}}},
       EpochRecord{first, Epoch(7), {}, EpochState::started},
       ManifestRecord{first, Epoch(7), manifest},
       EpochRecord{first, Epoch(7), EpochState::started, EpochState::published},
       AttemptRecord{key_of(1, 0, 1), NodeId("n"), Incarnation(3)},
       AttemptStateRecord{key_of(1, 0, 1), AttemptState::deploying, AttemptState::killed},
       RunStateRecord{first, RunState::running, RunState::halted}}));
  CHECK_FALSE(fixture.store->carry_out({effect::Look{1, "", {}, first}})->front().resumed_by);
  REQUIRE(fixture.store->write({next, InheritRecord{second, first}}));
  CHECK(fixture.store->carry_out({effect::Look{2, "", {}, first}})->front().resumed_by == second);
  const auto image = fixture.store->begin_term();
  REQUIRE(image->runs.size() == 1);
  const RunImage& run = image->runs.front();
  CHECK(run.made.lineage == RunUid("c-1-0000000000000001"));
  CHECK(run.made.resumes == first);
  REQUIRE(run.splits);
  REQUIRE(run.epochs.size() == 1);
  CHECK(run.epochs[0].epoch == Epoch(7));
  CHECK(run.epochs[0].state == EpochState::published);
  CHECK(run.epochs[0].manifest == manifest);
  // What the halted run has staged is of use until this one has ended well.
  REQUIRE(run.halted_before.size() == 1);
  CHECK(run.halted_before[0].uid == run.made.lineage);
  CHECK(run.halted_before[0].away.size() == 1);
  CHECK(image->leftovers.empty());
  REQUIRE(fixture.store->write({RunStateRecord{second, RunState::queued, RunState::suspended}}));
  CHECK(fixture.store->begin_term()->runs.empty());
  CHECK(fixture.store->begin_term()->leftovers.size() == 2);

  RunRecord third = run_record(3);
  third.resumes = first;
  CHECK_FALSE(fixture.store->write({third}));
}
