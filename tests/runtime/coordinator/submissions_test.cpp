// A key is one run and an interval one a generation, whoever asks when: at the same moment, while
// the row is on its way, after a write that failed, of another coordinator, and long after the end.
#include "runtime/coordinator/submissions.hpp"

#include "runtime/coordinator/coordinator_machine.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/sim_store.hpp"

#include <map>
#include <optional>
#include <utility>

using namespace troupe;

namespace {

Submission submission(const std::string& key, const std::string& interval = "") {
  Submission job;
  job.job = JobName("ns/job");
  job.plan = std::make_shared<const std::string>("plan");
  job.hash = "h1";
  job.key = key;
  job.interval = interval;
  return job;
}

/// A coordinator whose disk does what waits when the test says so.
class Coordinator {
 public:
  explicit Coordinator(sim::Store& store)
      : store_(store), machine_({10s}, *store.begin_term(), Instant(1h)) {
    carry(machine_.start(Instant(1h)));
    write();
  }

  std::uint64_t submit(const Submission& submission) {
    tell(coordinator_event::Submit{++last_request_, submission});
    return last_request_;
  }
  /// All that waits, as one transaction; what its answers bring about waits for the next one.
  void write() {
    const auto [steps, ticket] = take();
    const auto answers = store_.carry_out(steps);
    REQUIRE(answers);
    for (const Looked& looked : *answers) tell(looked);
    tell(coordinator_event::Persisted{ticket});
  }
  /// What waits reaches the disk, and nobody hears of it any more.
  void die_having_written() { REQUIRE(store_.carry_out(take().first)); }
  void write_all() {
    while (!waiting_.empty()) write();
  }
  bool waits() const { return !waiting_.empty(); }
  std::size_t runs() const { return machine_.runs().size(); }

  std::optional<Result<RunId>> answer(std::uint64_t request) const {
    const auto found = answers_.find(request);
    return found == answers_.end() ? std::nullopt : std::optional(found->second);
  }
  RunId run_of(std::uint64_t request) const {
    REQUIRE(answer(request));
    return answer(request)->value();
  }
  ErrorCode refusal_of(std::uint64_t request) const {
    REQUIRE(answer(request));
    REQUIRE_FALSE(answer(request)->ok());
    return answer(request)->error().code;
  }

 private:
  void tell(const CoordinatorEvent& event) { carry(machine_.on(event, Instant(1h))); }
  void carry(Effects effects) {
    for (Effect& effect : effects) {
      if (auto* persist = std::get_if<effect::Persist>(&effect)) {
        last_ticket_ = persist->ticket;
        waiting_.emplace_back(*persist);
      } else if (auto* look = std::get_if<effect::Look>(&effect)) {
        waiting_.emplace_back(*look);
      } else if (auto* reply = std::get_if<effect::Reply>(&effect)) {
        CHECK(answers_.emplace(reply->request, reply->answer).second);
        if (reply->answer) CHECK(store_.all_runs().contains(*reply->answer));
      }
    }
  }
  std::pair<StoreSteps, std::uint64_t> take() {
    return {std::exchange(waiting_, {}), last_ticket_};
  }

  sim::Store& store_;
  CoordinatorMachine machine_;
  StoreSteps waiting_;
  std::uint64_t last_ticket_ = 0;
  std::uint64_t last_request_ = 0;
  std::map<std::uint64_t, Result<RunId>> answers_;
};

struct Fixture {
  sim::Store store{ClusterId("c")};
  std::optional<Coordinator> coordinator{std::in_place, store};

  Coordinator* operator->() { return &*coordinator; }
  /// Another one, after the death of the first.
  void replace() { coordinator.emplace(store); }
};

}  // namespace

TEST_CASE("two submissions with one key at the same moment are one run") {
  Fixture f;
  const auto first = f->submit(submission("k"));
  const auto second = f->submit(submission("k"));
  f->write();  // both looks; neither finds anything
  CHECK(f->runs() == 1);
  CHECK_FALSE(f->answer(first));
  CHECK_FALSE(f->answer(second));
  f->write_all();
  CHECK(f->run_of(first) == RunId(1));
  CHECK(f->run_of(second) == RunId(1));
  CHECK(f.store.all_runs().size() == 1);
}

TEST_CASE("a key whose row is on its way is known, before and after its look") {
  Fixture f;
  const auto first = f->submit(submission("k"));
  f->write();
  REQUIRE(f->waits());  // the row
  const auto second = f->submit(submission("k"));
  f->write();  // the row, and behind it the look
  CHECK(f->run_of(first) == RunId(1));
  CHECK(f->run_of(second) == RunId(1));
  const auto third = f->submit(submission("k"));
  f->write_all();
  CHECK(f->run_of(third) == RunId(1));
  CHECK(f.store.all_runs().size() == 1);
}

TEST_CASE("a submission without key or interval asks nobody, and is a run of its own") {
  Fixture f;
  f->submit(submission(""));
  f->submit(submission(""));
  CHECK(f->runs() == 2);
  f->write_all();
  CHECK(f.store.all_runs().size() == 2);
}

TEST_CASE("a submission whose write fails is not there, and the same key may try again") {
  Fixture f;
  const auto lost = f->submit(submission("k"));
  f->write();
  REQUIRE(f->waits());
  CHECK_FALSE(f->answer(lost));
  f.replace();  // the store said no: that coordinator ended
  const auto again = f->submit(submission("k"));
  f->write_all();
  CHECK(f->run_of(again) == RunId(1));
  CHECK(f.store.all_runs().size() == 1);
}

TEST_CASE("a coordinator that is killed between question, row and answer leaves one run or none") {
  Fixture f;
  f->submit(submission("k"));
  SECTION("before the store was asked") {}
  SECTION("when the store had answered") { f->write(); }
  SECTION("when the row was there, and nobody had heard of it") {
    f->write();
    f->die_having_written();
  }
  f.replace();
  const auto again = f->submit(submission("k"));
  f->write_all();
  CHECK(f->run_of(again) == RunId(1));
  CHECK(f.store.all_runs().size() == 1);
}

TEST_CASE("keys and intervals of runs that have ended are remembered, by the store") {
  Fixture f;
  f->submit(submission("k", "2026-01-01"));
  f->write_all();
  const RunState state = f.store.all_runs().at(RunId(1)).state;
  REQUIRE(f.store.write({RunStateRecord{RunId(1), state, RunState::cancelled}}));
  f.replace();
  CHECK(f->runs() == 0);
  const auto same_key = f->submit(submission("k"));
  const auto same_interval = f->submit(submission("other", "2026-01-01"));
  const auto next_interval = f->submit(submission("", "2026-01-02"));
  f->write_all();
  CHECK(f->run_of(same_key) == RunId(1));
  CHECK(f->refusal_of(same_interval) == ErrorCode::already_exists);
  CHECK(f->run_of(next_interval) == RunId(2));
}

TEST_CASE("two submissions of one interval at the same moment: the second is refused") {
  Fixture f;
  const auto first = f->submit(submission("a", "2026-01-01"));
  const auto second = f->submit(submission("b", "2026-01-01"));
  Submission next_generation = submission("c", "2026-01-01");
  next_generation.generation = 1;
  const auto third = f->submit(next_generation);
  f->write_all();
  CHECK(f->run_of(first) == RunId(1));
  CHECK(f->refusal_of(second) == ErrorCode::already_exists);
  CHECK(f->run_of(third) == RunId(2));
}

TEST_CASE("a key goes before an interval: the same submission again is its run") {
  Fixture f;
  const auto first = f->submit(submission("k", "2026-01-01"));
  const auto again = f->submit(submission("k", "2026-01-01"));
  f->write_all();
  CHECK(f->run_of(first) == RunId(1));
  CHECK(f->run_of(again) == RunId(1));
}

TEST_CASE("nothing of a submission is held once its row is durable") {
  Submissions submissions;
  REQUIRE(submissions.ask(1, submission("k", "2026-01-01")));
  CHECK_FALSE(submissions.idle());
  const auto answered = submissions.answered({1, {}, {}});
  REQUIRE(answered);
  CHECK_FALSE(answered->with_key);
  RunRecord run;
  run.run = RunId(7);
  run.job = JobName("ns/job");
  run.key = "k";
  run.interval = "2026-01-01";
  submissions.made(run, 4);
  REQUIRE(submissions.ask(2, submission("k", "2026-01-01")));
  const auto meanwhile = submissions.answered({2, {}, {}});
  CHECK(meanwhile->with_key == RunId(7));
  CHECK(meanwhile->of_interval == RunId(7));
  submissions.durable(3);
  CHECK_FALSE(submissions.idle());
  submissions.durable(4);
  CHECK(submissions.idle());
  CHECK_FALSE(submissions.answered({2, {}, {}}));
}

TEST_CASE("more submissions than the store can be asked for are refused") {
  Submissions submissions;
  for (std::size_t i = 0; i < looks_max; ++i) REQUIRE(submissions.ask(i, submission("k")));
  const auto refused = submissions.ask(looks_max, submission("k"));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == ErrorCode::unavailable);
}

namespace {

/// A run that was stopped after its second epoch, whose sink has not committed it.
RunId add_suspended(sim::Store& store) {
  RunRecord run;
  run.run = RunId(1);
  run.uid = RunUid("c-1-7");
  run.job = JobName("ns/job");
  run.hash = "h1";
  run.checkpoint = CheckpointSettings{};
  const Submission job = submission("");
  const Manifest manifest{{{"save", {{"a", 4}}}}, {{{}, {}}}, run.uid};
  REQUIRE(store.write({JobVersionRecord{job.job, job.hash, job.plan, "", "ada"}, run,
                       SplitsRecord{run.run, {{{{"{}", 9, 3}}}}},
                       EpochRecord{run.run, Epoch(1), {}, EpochState::started},
                       EpochRecord{run.run, Epoch(1), EpochState::started, EpochState::aborted},
                       EpochRecord{run.run, Epoch(2), {}, EpochState::started},
                       ManifestRecord{run.run, Epoch(2), manifest},
                       EpochRecord{run.run, Epoch(2), EpochState::started, EpochState::published},
                       RunStateRecord{run.run, RunState::queued, RunState::suspended}}));
  return run.run;
}

Submission resumption_of(sim::Store& store, RunId run) {
  Submission next = submission("");
  next.resumes = std::make_shared<const RunImage>(store.run(run)->image);
  next.settings.mode = JobMode::streaming;
  return next;
}

}  // namespace

TEST_CASE("of two who resume a run one wins, at the same moment and later") {
  Fixture f;
  const RunId before = add_suspended(f.store);
  f.replace();
  const Submission next = resumption_of(f.store, before);
  const auto first = f->submit(next);
  const auto second = f->submit(next);
  f->write();
  const auto third = f->submit(next);  // while the row is on its way
  f->write_all();
  CHECK(f->run_of(first) == RunId(2));
  CHECK(f->refusal_of(second) == ErrorCode::conflict);
  CHECK(f->refusal_of(third) == ErrorCode::conflict);
  f.replace();
  const auto fourth = f->submit(next);
  f->write_all();
  CHECK(f->refusal_of(fourth) == ErrorCode::conflict);
  CHECK(f.store.all_runs().size() == 2);
}

TEST_CASE("a run that resumes another one has its splits and its epochs, and its lineage") {
  Fixture f;
  const RunId before = add_suspended(f.store);
  f.replace();
  const auto answer = f->submit(resumption_of(f.store, before));
  f->write_all();
  const RunImage& next = f.store.all_runs().at(f->run_of(answer));
  CHECK(next.made.resumes == before);
  CHECK(next.made.lineage == RunUid("c-1-7"));
  CHECK(next.made.uid != next.made.lineage);
  CHECK(next.splits == f.store.all_runs().at(before).splits);
  REQUIRE(next.epochs.size() == 2);
  CHECK(next.epochs[1].state == EpochState::published);
  CHECK(next.epochs[1].manifest->staged_by == RunUid("c-1-7"));
}
