#include "runtime/decision/records.hpp"

#include <array>
#include <utility>

namespace troupe {
namespace {

constexpr std::array run_states{"QUEUED",    "STARTING",  "RUNNING",    "RESTARTING",
                                "FINISHING", "SUCCEEDED", "CANCELLING", "CANCELLED",
                                "STOPPING",  "SUSPENDED", "FAILED",     "HALTED"};
constexpr std::array attempt_states{"DEPLOYING", "RUNNING", "FINISHED",
                                    "FAILED",    "KILLED",  "SUPERSEDED"};
constexpr std::array epoch_states{"STARTED", "PUBLISHED", "COMMITTED", "ABORTED"};

/// In the order of the enumerators.
template <std::size_t n, class State>
const char* word_of(const std::array<const char*, n>& words, State state) {
  static_assert(n == static_cast<std::size_t>(EnumOf<State>::last) + 1);
  const auto place = static_cast<std::size_t>(state);
  return place < n ? words[place] : "?";
}

}  // namespace

const char* to_string(RunState state) { return word_of(run_states, state); }
const char* to_string(AttemptState state) { return word_of(attempt_states, state); }
const char* to_string(EpochState state) { return word_of(epoch_states, state); }

std::vector<SinkPart> sink_parts(std::map<std::string, std::vector<Committable>> staged) {
  std::vector<SinkPart> parts;
  for (auto& [vertex, committables] : staged) parts.push_back({vertex, std::move(committables)});
  return parts;
}

std::int64_t state_bytes_of(const Manifest& manifest) {
  std::uint64_t bytes = 0;
  for (const TaskPart& part : manifest.tasks) {
    for (const StoredSnapshot& stored : part.files) bytes += stored.file.bytes;
  }
  return static_cast<std::int64_t>(bytes);
}

std::int64_t rows_of(const std::vector<SinkPart>& manifest) {
  std::int64_t rows = 0;
  for (const auto& part : manifest) {
    for (const auto& committable : part.committables) rows += committable.rows;
  }
  return rows;
}

bool ended(RunState state) {
  return state == RunState::succeeded || state == RunState::cancelled || resumable(state);
}

bool resumable(RunState state) {
  return state == RunState::suspended || state == RunState::failed || state == RunState::halted;
}

RunUid run_uid(const ClusterId& cluster, RunId run, std::uint64_t nonce) {
  return RunUid(fmt::format("{}-{}-{:016x}", cluster, run, nonce));
}

const char* name_of(const Record& record) {
  static constexpr std::array names{"JobVersion", "Run",          "RunState",      "Splits",
                                    "Attempt",    "AttemptState", "AttemptResult", "Epoch",
                                    "Manifest",   "Inherit",      "ForgetEpochs",  "Node",
                                    "Event",      "RunCleaned"};
  static_assert(names.size() == std::variant_size_v<Record>);
  return names[record.index()];
}

}  // namespace troupe
