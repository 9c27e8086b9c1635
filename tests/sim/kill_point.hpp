#pragma once

#include <array>
#include <cstddef>
#include <string_view>

namespace troupe::sim {

/// Moments at which a process may be killed that chance alone would rarely find. Each is one line
/// of a shell: `if (world.killed_at(KillPoint::..., node)) return;`.
enum class KillPoint {
  // of the coordinator
  asked_not_looked_up,
  looked_up_not_made,
  decided_not_written,
  after_persist_before_send,
  reported_not_persisted,
  all_finished_before_manifest,
  manifest_started_not_published,
  published_not_committed,
  committing_half_the_sinks,
  committed_not_recorded,
  ended_not_cleaned,
  during_recovery,
  asked_not_listed,
  // of an executor
  joining,
  deployed_not_ready,
  ready_not_started,
  running,
  finished_not_reported,
  reported_not_acknowledged,
  serving_a_partition,
  errand_not_begun,
  amid_an_errand,
  errand_done_not_reported,
  // of the coordinator, with streams
  epoch_begun_not_told,
  some_acknowledged,
  acknowledged_not_copied,
  copied_not_published,
  sealed_not_written,
  unnamed_not_dropped,
  deployed_from_an_epoch,
  // of an executor, with streams
  epoch_ordered,
  aligning,
  state_being_written,
  state_being_merged,
  state_being_copied,
  state_being_dropped,
  saved_not_acknowledged,
  restoring,
  serving_state,
};

inline constexpr std::array<std::string_view, 39> kill_point_names{
    "asked_not_looked_up",
    "looked_up_not_made",
    "decided_not_written",
    "after_persist_before_send",
    "reported_not_persisted",
    "all_finished_before_manifest",
    "manifest_started_not_published",
    "published_not_committed",
    "committing_half_the_sinks",
    "committed_not_recorded",
    "ended_not_cleaned",
    "during_recovery",
    "asked_not_listed",
    "joining",
    "deployed_not_ready",
    "ready_not_started",
    "running",
    "finished_not_reported",
    "reported_not_acknowledged",
    "serving_a_partition",
    "errand_not_begun",
    "amid_an_errand",
    "errand_done_not_reported",
    "epoch_begun_not_told",
    "some_acknowledged",
    "acknowledged_not_copied",
    "copied_not_published",
    "sealed_not_written",
    "unnamed_not_dropped",
    "deployed_from_an_epoch",
    "epoch_ordered",
    "aligning",
    "state_being_written",
    "state_being_merged",
    "state_being_copied",
    "state_being_dropped",
    "saved_not_acknowledged",
    "restoring",
    "serving_state",
};
inline constexpr std::size_t kill_points = kill_point_names.size();
/// From here on they are of streams.
inline constexpr auto first_of_streams = static_cast<std::size_t>(KillPoint::epoch_begun_not_told);

}  // namespace troupe::sim
