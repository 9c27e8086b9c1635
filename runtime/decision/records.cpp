#include "runtime/decision/records.hpp"

#include <array>
#include <utility>

namespace troupe {
namespace {

template <class State, std::size_t n>
using Words = std::array<std::pair<State, const char*>, n>;

constexpr Words<RunState, 10> run_states{{{RunState::queued, "QUEUED"},
                                          {RunState::starting, "STARTING"},
                                          {RunState::running, "RUNNING"},
                                          {RunState::restarting, "RESTARTING"},
                                          {RunState::finishing, "FINISHING"},
                                          {RunState::succeeded, "SUCCEEDED"},
                                          {RunState::cancelling, "CANCELLING"},
                                          {RunState::cancelled, "CANCELLED"},
                                          {RunState::failed, "FAILED"},
                                          {RunState::halted, "HALTED"}}};

constexpr Words<AttemptState, 6> attempt_states{{{AttemptState::deploying, "DEPLOYING"},
                                                 {AttemptState::running, "RUNNING"},
                                                 {AttemptState::finished, "FINISHED"},
                                                 {AttemptState::failed, "FAILED"},
                                                 {AttemptState::killed, "KILLED"},
                                                 {AttemptState::superseded, "SUPERSEDED"}}};

constexpr Words<EpochState, 4> epoch_states{{{EpochState::started, "STARTED"},
                                             {EpochState::published, "PUBLISHED"},
                                             {EpochState::committed, "COMMITTED"},
                                             {EpochState::aborted, "ABORTED"}}};

template <class State, std::size_t n>
const char* word_of(const Words<State, n>& words, State state) {
  for (const auto& [known, word] : words) {
    if (known == state) return word;
  }
  return "?";
}

template <class State, std::size_t n>
Result<State> state_of(const Words<State, n>& words, std::string_view word, const char* what) {
  for (const auto& [state, known] : words) {
    if (word == known) return state;
  }
  return fail(ErrorCode::corrupt, "'{}' is no state of {}", word, what);
}

}  // namespace

const char* to_string(RunState state) { return word_of(run_states, state); }
const char* to_string(AttemptState state) { return word_of(attempt_states, state); }
const char* to_string(EpochState state) { return word_of(epoch_states, state); }

Result<RunState> parse_run_state(std::string_view word) {
  return state_of(run_states, word, "a run");
}
Result<AttemptState> parse_attempt_state(std::string_view word) {
  return state_of(attempt_states, word, "an attempt");
}
Result<EpochState> parse_epoch_state(std::string_view word) {
  return state_of(epoch_states, word, "an epoch");
}

std::int64_t rows_of(const std::vector<SinkPart>& manifest) {
  std::int64_t rows = 0;
  for (const auto& part : manifest) {
    for (const auto& committable : part.committables) rows += committable.rows;
  }
  return rows;
}

bool ended(RunState state) {
  return state == RunState::succeeded || state == RunState::cancelled ||
         state == RunState::failed || state == RunState::halted;
}

RunUid run_uid(const ClusterId& cluster, RunId run, std::uint64_t nonce) {
  return RunUid(fmt::format("{}-{}-{:016x}", cluster, run, nonce));
}

const char* name_of(const Record& record) {
  static constexpr std::array<const char*, std::variant_size_v<Record>> names{
      "JobVersion",    "Run",   "RunState", "Splits", "Attempt", "AttemptState",
      "AttemptResult", "Epoch", "Manifest", "Node",   "Event",   "RunCleaned"};
  return names[record.index()];
}

}  // namespace troupe
