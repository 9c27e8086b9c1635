#pragma once

#include <array>
#include <string_view>

namespace troupe::sim {

/// Faults that are planted to prove that the simulation would see them. Each is a mistake that
/// somebody could make in a shell, a store, a sink, the tokens or the ledger of slots; the machines
/// are never changed, but that ledger may be another one (`FaultyAdmission`).
enum class Mutation {
  none,
  send_before_persist,         ///< effects leave before their rows are durable
  persist_before_sync,         ///< a write is called durable before it is
  acknowledge_before_persist,  ///< a report is acknowledged before it is durable
  term_not_raised,             ///< a new leader acts in the term of the old one
  tokens_not_compared,         ///< an executor obeys whatever it is told, whoever told it when
  attempt_not_compared,        ///< a report counts for whichever attempt is current
  incarnation_reused,          ///< a restarted node says it is the process it was
  start_without_ready,         ///< a task begins as soon as it is open
  failure_is_success,          ///< a failed task counts as finished
  hashes_ignored,              ///< a re-run that made other rows passes for the same
  missing_input_is_empty,      ///< a kept partition that is not there reads as no rows
  stale_data_accepted,         ///< rows of any attempt are taken, in any order, any number of times
  commit_without_marker,       ///< a commit that is repeated happens again
  commit_all_staged,           ///< everything that was staged becomes visible, also of losers
  commit_forgets_one,          ///< one committable of the manifest is passed over
  published_not_recommitted,   ///< a new leader does not commit what was published
  cancel_ignored,              ///< executors do not stop what was superseded
  loss_not_told,               ///< the coordinator is not told that a node is gone
  lost_rows_not_told,          ///< a node does not tell whom it sent rows that they may be lost
  damaged_frame_accepted,      ///< a frame that was changed on the way is taken for what it says
  rot_not_seen,                ///< a kept partition is served without looking at its checksum
  failed_sync_ignored,         ///< a kept partition that did not reach the disk counts as kept
  failed_write_ignored,        ///< rows that the store refused count as written
  look_out_of_order,           ///< a look is answered beside the writes, whenever that is done
  look_from_old_snapshot,      ///< a look is answered by what was there some writes ago
  bad_node_not_avoided,        ///< a failure of the node's disk is told as any other
  cleanup_forgotten,           ///< a new leader does not remove what the last one had to
  grant_counted_twice,         ///< slots that are granted are in use twice
  freed_slot_kept,             ///< a region that needs its slots no more keeps them
  waiting_not_woken,           ///< what becomes free is not given to who waits, but to who comes
  gone_node_granted,           ///< slots of a node that is gone are granted
  staged_not_synced,           ///< a sink stages its files without making them durable
  commit_not_synced,           ///< names that a commit has changed are not made durable
  another_partition_served,    ///< a kept partition is served to whoever asks for another one
  refusal_not_told,            ///< who asks for a partition is not told that there is none
  lost_connection_unheard,     ///< channels do not hear that rows on their way were lost
  end_of_rows_lost,            ///< now and then the end of a channel does not leave
  two_clocks,                  ///< when a node was heard is read from its own clock
  gives_up_for_nothing,        ///< a task fails now and then although nothing is wrong
  errand_answer_believed,      ///< a report of any errand, of any leader, counts for the last one
  commit_lost_with_its_node,   ///< nobody else is asked for what a node that is gone had to commit
  failed_commit_is_done,       ///< a commit that failed is reported as done
  commit_not_reported,         ///< now and then a commit that is done is not reported
  silent_errand_awaited,       ///< who does not answer what has become of an errand is waited for
  unseeded_chance,             ///< something is decided by what is in no seed
  // of streams
  state_not_fetched,             ///< state files are said to be here, and nobody has looked
  state_not_synced,              ///< a state file is acknowledged before it is durable
  committed_at_acknowledgement,  ///< what a task acknowledges is committed at once
  commit_answered_first,         ///< a commit is answered, and done later
  given_up_is_published,  ///< a barrier tells that the epoch before it is published, also one that
                          ///< was given up
  state_dropped_early,    ///< files that the last manifest names are dropped
  restored_from_the_one_before,  ///< all tasks go on from the epoch before the last one
  one_task_from_the_one_before,  ///< one stage goes on from the epoch before the last one
  any_epoch_acknowledged,        ///< an acknowledgement counts for whichever epoch is open
  old_acknowledgement_counts,    ///< an acknowledgement of an attempt that is over counts for the
                                 ///< next epoch
  manifest_forgets_one,    ///< what is published has one committable less than what is committed
  barrier_lost,            ///< now and then a barrier does not arrive
  barrier_overtakes,       ///< rows of one lane come behind a barrier that was behind them
  watermark_overtakes,     ///< a watermark comes before rows that were sent before it
  time_runs_ahead,         ///< operators are told of a later time than the one that has come
  barrier_not_flushed,     ///< what waits for more rows stays where it is at a barrier
  change_not_handed_over,  ///< now and then a change is not in the state that is handed over
  state_row_forgotten,     ///< a row of the state is not there after a restore
  taking_back_forgotten,   ///< rows that take others back are lost
  position_read_ahead,     ///< a source goes on behind the rows that were read, not those that were
                           ///< taken
  database_marker_ignored,  ///< a database does not look whether it has done it
  database_marker_apart,    ///< the marker is another transaction than the rows
};

struct MutationName {
  Mutation mutation;
  std::string_view name;
  bool streams = false;  ///< seeds of streams shall find it
};

inline constexpr std::array<MutationName, 67> mutations{{
    {Mutation::send_before_persist, "send_before_persist"},
    {Mutation::persist_before_sync, "persist_before_sync"},
    {Mutation::acknowledge_before_persist, "acknowledge_before_persist"},
    {Mutation::term_not_raised, "term_not_raised"},
    {Mutation::tokens_not_compared, "tokens_not_compared"},
    {Mutation::attempt_not_compared, "attempt_not_compared"},
    {Mutation::incarnation_reused, "incarnation_reused"},
    {Mutation::start_without_ready, "start_without_ready"},
    {Mutation::failure_is_success, "failure_is_success"},
    {Mutation::hashes_ignored, "hashes_ignored"},
    {Mutation::missing_input_is_empty, "missing_input_is_empty"},
    {Mutation::stale_data_accepted, "stale_data_accepted"},
    {Mutation::commit_without_marker, "commit_without_marker"},
    {Mutation::commit_all_staged, "commit_all_staged"},
    {Mutation::commit_forgets_one, "commit_forgets_one"},
    {Mutation::published_not_recommitted, "published_not_recommitted"},
    {Mutation::cancel_ignored, "cancel_ignored"},
    {Mutation::loss_not_told, "loss_not_told"},
    {Mutation::lost_rows_not_told, "lost_rows_not_told"},
    {Mutation::damaged_frame_accepted, "damaged_frame_accepted"},
    {Mutation::rot_not_seen, "rot_not_seen"},
    {Mutation::failed_sync_ignored, "failed_sync_ignored"},
    {Mutation::failed_write_ignored, "failed_write_ignored"},
    {Mutation::look_out_of_order, "look_out_of_order"},
    {Mutation::look_from_old_snapshot, "look_from_old_snapshot"},
    {Mutation::bad_node_not_avoided, "bad_node_not_avoided"},
    {Mutation::cleanup_forgotten, "cleanup_forgotten"},
    {Mutation::grant_counted_twice, "grant_counted_twice"},
    {Mutation::freed_slot_kept, "freed_slot_kept"},
    {Mutation::waiting_not_woken, "waiting_not_woken"},
    {Mutation::gone_node_granted, "gone_node_granted"},
    {Mutation::staged_not_synced, "staged_not_synced"},
    {Mutation::commit_not_synced, "commit_not_synced"},
    {Mutation::another_partition_served, "another_partition_served"},
    {Mutation::refusal_not_told, "refusal_not_told"},
    {Mutation::lost_connection_unheard, "lost_connection_unheard"},
    {Mutation::end_of_rows_lost, "end_of_rows_lost"},
    {Mutation::two_clocks, "two_clocks"},
    {Mutation::gives_up_for_nothing, "gives_up_for_nothing"},
    {Mutation::errand_answer_believed, "errand_answer_believed"},
    {Mutation::commit_lost_with_its_node, "commit_lost_with_its_node"},
    {Mutation::failed_commit_is_done, "failed_commit_is_done"},
    {Mutation::commit_not_reported, "commit_not_reported"},
    {Mutation::silent_errand_awaited, "silent_errand_awaited"},
    {Mutation::unseeded_chance, "unseeded_chance"},
    {Mutation::state_not_fetched, "state_not_fetched", true},
    {Mutation::state_not_synced, "state_not_synced", true},
    {Mutation::committed_at_acknowledgement, "committed_at_acknowledgement", true},
    {Mutation::commit_answered_first, "commit_answered_first", true},
    {Mutation::given_up_is_published, "given_up_is_published", true},
    {Mutation::state_dropped_early, "state_dropped_early", true},
    {Mutation::restored_from_the_one_before, "restored_from_the_one_before", true},
    {Mutation::one_task_from_the_one_before, "one_task_from_the_one_before", true},
    {Mutation::any_epoch_acknowledged, "any_epoch_acknowledged", true},
    {Mutation::old_acknowledgement_counts, "old_acknowledgement_counts", true},
    {Mutation::manifest_forgets_one, "manifest_forgets_one", true},
    {Mutation::barrier_lost, "barrier_lost", true},
    {Mutation::barrier_overtakes, "barrier_overtakes", true},
    {Mutation::watermark_overtakes, "watermark_overtakes", true},
    {Mutation::time_runs_ahead, "time_runs_ahead", true},
    {Mutation::barrier_not_flushed, "barrier_not_flushed", true},
    {Mutation::change_not_handed_over, "change_not_handed_over", true},
    {Mutation::state_row_forgotten, "state_row_forgotten", true},
    {Mutation::taking_back_forgotten, "taking_back_forgotten", true},
    {Mutation::position_read_ahead, "position_read_ahead", true},
    {Mutation::database_marker_ignored, "database_marker_ignored", true},
    {Mutation::database_marker_apart, "database_marker_apart", true},
}};

}  // namespace troupe::sim
