#pragma once

#include "runtime/decision/effects.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>

namespace troupe {

/// A job that somebody wants to run.
struct Submission {
  JobName job;
  std::shared_ptr<const std::string> plan;  ///< `encode_plan` of the bound graph
  std::string hash;
  std::string descriptor;
  std::string by;
  std::string interval;
  std::uint64_t generation = 0;
  /// The same key again is the same run. Empty: every submission is a run of its own.
  std::string key;
  PlanTarget target;
  std::uint32_t tasks = 0;  ///< that the plan makes for the target
  JobSettings settings;
  /// Drawn at random by whoever hands it in: what makes the run's uid unlike that of a run of the
  /// same number after the metadata was brought back from a copy.
  std::uint64_t nonce = 0;
  /// A run that has ended and that nobody has gone on from: this one goes on where it was.
  std::shared_ptr<const RunImage> resumes = {};

  /// None where it is nobody's interval: of such runs there may be many.
  std::optional<RunInterval> of_interval() const;
  /// Whether an earlier run may already be what it asks for, or be in its way.
  bool may_exist() const { return !key.empty() || !interval.empty() || resumes; }
};

/// Submissions whose answer the store is asked for; beyond that they are refused.
inline constexpr std::size_t looks_max = 10'000;

/// Submissions on their way to a row. Owned by the CoordinatorMachine.
///
/// Whether a key or an interval was ever used, or a run resumed, the store knows: history is not
/// held in memory. What is on its way there, this knows:
///
///    ask --(effect::Look)--> answered --> made: a row --(Persisted)--> durable: the store knows it
///                                    \-> or another answer: the run that is there, or a refusal
///
/// Two submissions of one key at the same moment both find nothing in the store; the one that is
/// answered second finds here what the first has made. This suffices because the store answers in
/// the order of writes: an answer that does not know a row comes before that row is durable.
///
/// Invariant: a key is one run, an interval one a generation, and a run is resumed by one, whoever
/// asks when.
class Submissions {
 public:
  struct Waiting {
    std::uint64_t request = 0;
    Submission submission;
  };
  struct Answered {
    Waiting waiting;
    std::optional<RunId> with_key;  ///< in the store, or on its way there
    std::optional<RunId> of_interval;
    std::optional<RunId> resumed_by;
  };

  /// The number of a look, of whoever asks.
  std::uint64_t next_look() { return ++last_look_; }
  /// `unavailable` where too many wait already.
  Result<effect::Look> ask(std::uint64_t request, Submission submission);
  /// None where nobody waits for this answer.
  std::optional<Answered> answered(const Looked& looked);
  /// A run that has become a row, durable with this ticket.
  void made(const RunRecord& run, std::uint64_t ticket);
  void durable(std::uint64_t ticket);

  bool idle() const { return waiting_.empty() && on_their_way_.empty(); }

 private:
  struct OnItsWay {
    std::uint64_t ticket;
    std::string key;
    RunInterval interval;
    std::optional<RunId> resumes;
  };
  std::map<std::uint64_t, Waiting> waiting_;  ///< by look
  std::uint64_t last_look_ = 0;
  std::deque<OnItsWay> on_their_way_;  ///< by ticket
  std::map<std::string, RunId> keys_;
  std::map<RunInterval, RunId> intervals_;
  std::map<RunId, RunId> resumed_;  ///< by whom
};

}  // namespace troupe
