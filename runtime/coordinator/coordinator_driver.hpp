#pragma once

#include "runtime/coordinator/coordinator_machine.hpp"
#include "runtime/coordinator/plan_work.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <vector>

namespace troupe {

/// How long those who wait for the clean-up of a run wait beyond its end: a storage that hangs must
/// not hold back that it has ended.
inline constexpr Duration tidy_patience = 1s;

/// What a `CoordinatorDriver` does to the world. Each call returns at once and comes back to no
/// method of the driver: what comes of it is told later.
class CoordinatorHands {
 public:
  virtual ~CoordinatorHands() = default;

  /// The machine has decided this; the driver is about to see to it. For whoever counts or checks.
  virtual void decided(const Effects& effects) = 0;
  /// One transaction, the only one under way. Answered by `written`.
  virtual void write(StoreSteps steps) = 0;
  /// Dropped where there is no way to this incarnation of the node.
  virtual void send(effect::Send sent) = 0;
  /// Blocks, so off this thread. Answered by `tell`: `carry_out(work, planner)`.
  virtual void plan(effect::PlanTasks work) = 0;
  /// A report that changed nothing.
  virtual void refused(const effect::RefuseReport& report) = 0;
  virtual void run_ended(const effect::RunEnded& run) = 0;
  /// `tick` at this time, and at no other that was asked for before; none: not at all.
  virtual void wake_at(std::optional<Instant> at) = 0;
  /// The coordinator is over, for this reason. Nothing follows.
  virtual void over(const Error& reason) = 0;
};

/// All that a coordinator is, but for the ways in and out: the actor and the simulation are two
/// pairs of hands for it. It leads `CoordinatorMachine`, and sees to the order of what that
/// decides.
///
///     the store is opened --> begin --> tell, submit, cancel, await_end, written, tick, in any
///     order
///
/// - What comes before `begin` waits for it.
/// - **Group commit**: one transaction is under way; whatever is decided meanwhile is the next one,
///   looks included. Its answers are handed to the machine before the word that it is durable, for
///   the next `Persisted` lets `Submissions` forget.
/// - Whoever waits for the end of a run is told once it is durable; if he says so, once nothing is
///   left beside its outputs, for he may stop the node then, and its removal with it. For a removal
///   that cannot be done now nobody waits, for one that hangs `tidy_patience`.
/// - A failed write is the end: whether the rows are there nobody knows, and who went on would act
///   on rows that may not be. So is what makes the machine halt. From then on nothing leaves, and
///   whoever waits is told why.
///
/// Owned by the COORDINATOR actor, or a simulated one. One thread, no clock, no disk.
/// Invariant: effects leave in the order in which the machine lists them, none after the end.
class CoordinatorDriver {
 public:
  using Answer = std::function<void(Result<RunId>)>;
  /// Called once: the run has ended, or the caller's patience has; or why nobody will know.
  using Ended = std::function<void(Result<>)>;

  enum class Until {
    ended,
    tidied,  ///< and nothing is left beside its outputs
  };

  /// Of one who waits for the end of a run.
  struct Wait {
    RunId run;
    std::uint64_t number = 0;
  };

  /// The hands outlive it.
  CoordinatorDriver(
      CoordinatorConfig config, CoordinatorHands& hands,
      std::unique_ptr<AdmissionMachine> admission = std::make_unique<AdmissionMachine>());

  /// What the store holds, read when this leader's term began. Once.
  void begin(Result<ClusterImage> image, Instant now);
  void tell(CoordinatorEvent event, Instant now);
  /// The transaction is durable, and has found this; or it failed.
  void written(Result<std::vector<Looked>> outcome, Instant now);
  /// The time that `wake_at` asked for. Earlier is harmless.
  void tick(Instant now);

  /// Answered once the run's row is durable, or with why there is none.
  void submit(Submission submission, Answer answer, Instant now);
  void cancel(RunId run, std::string by, Answer answer, Instant now);
  void stop(RunId run, std::string by, Answer answer, Instant now);
  /// None where there is nothing to wait for: that was answered at once.
  std::optional<Wait> await_end(RunId run, Until until, Ended ended);
  void wait_no_longer(const Wait& wait);

  /// The process dies: nothing leaves, and nobody is told anything, from this moment on.
  void abandon() { over_ = make_error(ErrorCode::unavailable, "the coordinator was abandoned"); }

  /// None before `begin`.
  const CoordinatorMachine* machine() const { return machine_ ? &*machine_ : nullptr; }
  /// Transactions that are over.
  std::uint64_t writes() const { return writes_; }

 private:
  void take(Effects effects);
  void carry_out(effect::Persist& effect);
  void carry_out(effect::Look& effect);
  void carry_out(effect::Send& effect);
  void carry_out(effect::PlanTasks& effect);
  void carry_out(effect::Reply& effect);
  void carry_out(effect::RunEnded& effect);
  void carry_out(effect::RunTidied& effect);
  void carry_out(effect::Halt& effect);
  void carry_out(effect::RefuseReport& effect);
  void carry_out(const effect::Inner auto&);
  void on(const CoordinatorEvent& event, Instant now);
  void settle();
  void wait_for_no_tidying();
  std::optional<Instant> next_deadline() const;
  void tell_end(RunId run, Until until);
  void give_up(Error reason);
  bool open(RunId run) const;

  const CoordinatorConfig config_;
  CoordinatorHands& hands_;
  std::unique_ptr<AdmissionMachine> admission_;  ///< until it is the machine's
  std::optional<CoordinatorMachine> machine_;
  std::optional<Error> over_;
  std::vector<CoordinatorEvent> early_;  ///< told before the store was read

  StoreSteps next_;                       ///< of the next transaction, in the order of decision
  std::uint64_t last_ticket_ = 0;         ///< durable with it
  std::optional<std::uint64_t> writing_;  ///< under way: what is durable with it
  std::uint64_t writes_ = 0;

  Instant now_ = {};  ///< of the last event
  std::optional<Instant> wakes_at_;
  std::uint64_t last_number_ = 0;  ///< of requests and waits
  std::map<std::uint64_t, Answer> requests_;
  struct Waiting {
    Until until;
    Ended ended;
  };
  std::map<RunId, std::map<std::uint64_t, Waiting>> waits_;
  /// Ended, and what they left may be there yet: until when that is waited for.
  std::map<RunId, Instant> untidy_;
};

}  // namespace troupe
