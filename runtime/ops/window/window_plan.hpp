#pragma once

#include "runtime/operator/operator.hpp"
#include "runtime/operator/state_table.hpp"
#include "runtime/ops/aggregate/aggregation.hpp"

#include <cstdint>
#include <memory>

namespace troupe {

/// Windows of one size, one beginning every `slide`, in microseconds since 1970 UTC. Where they do
/// not overlap, the two are equal.
///
/// Time is cut into slices so that every window is made of whole ones: rows are grouped by slice,
/// and a window is the sum of its slices. So a row is worked on once, however many windows it is
/// in.
struct WindowSpan {
  std::int64_t size = 0;
  std::int64_t slide = 0;
  std::int64_t slice = 0;  ///< the greatest common divisor of both

  static WindowSpan make(std::int64_t size, std::int64_t slide);

  /// Slices and windows are named by where they begin.
  std::int64_t slice_of(std::int64_t time) const;
  /// Where the first and the last window end that have this slice.
  std::int64_t first_end(std::int64_t slice) const;
  std::int64_t last_end(std::int64_t slice) const;
};

/// The column behind those of the input that names the slice of a row.
inline constexpr const char* slice_column = "#slice";
/// Where sessions are made, the one in front of it: the event time.
inline constexpr const char* at_column = "#at";

/// An aggregation by slices and keys, and the sum of slices by keys alone.
struct SlicedAggregation {
  SchemaPtr assigned;                            ///< columns of the input, then the slice
  std::shared_ptr<const Aggregation> by_slice;   ///< partial results, by slice and key
  std::shared_ptr<const Aggregation> by_window;  ///< final ones, by key

  static Result<SlicedAggregation> make(std::vector<NamedText> keys,
                                        const std::vector<NamedText>& select,
                                        const SchemaPtr& input);
  /// The same for sessions: the event time stays, in front of the slice, and the last two columns
  /// of a result are the first and the last one of its rows.
  static Result<SlicedAggregation> of_sessions(const std::vector<NamedText>& keys,
                                               std::vector<NamedText> select,
                                               const SchemaPtr& input);
};

/// Sessions: rows of one key belong together as long as less than `gap` lies between one and the
/// next.
///
/// Time is cut into slices as long as the gap, so that rows of one key in one slice are always of
/// one session: they are grouped by slice and key like those of other windows. A session is a
/// chain of groups in slices that follow each other. Once a slice is over, each of its groups
/// either goes on in the next slice, and is added to that one's group, or has ended.
///
/// A row is late when the watermark has passed its time: its session may have been put out.
struct SessionSpan {
  std::int64_t gap = 0;

  /// What a slice is needed for: until all that was in it has ended or gone on.
  WindowSpan slices() const { return {.size = 2 * gap, .slide = gap, .slice = gap}; }
};

/// Groups of a stream whose keys have a window column: rows of one group have one event time, and
/// so the group leaves, as appends with that time, once the watermark has passed it. Each moment is
/// a window.
Result<OperatorPlan> plan_groups_of_windows(const std::string& name,
                                            const std::vector<NamedText>& group_by,
                                            const std::vector<NamedText>& select,
                                            const PlanInput& input, std::string detail);

/// First phase: puts the slice of each row in the place of its event time. Late rows, all of whose
/// windows are closed, leave by port 1 as they came; without `late_port` they are dropped and
/// counted. It decides by the task's own time, which no later phase is ahead of.
Result<std::unique_ptr<Operator>> make_assign_windows(const WindowSpan& span, bool late_port);

/// The same for sessions: rows keep their event time (`#at`) in front of the slice.
Result<std::unique_ptr<Operator>> make_assign_sessions(const SessionSpan& span, bool late_port);

/// Last phase: takes partial results by slice and key, and puts out a window's rows as soon as no
/// more rows of it can come. `output` are its columns, the hidden event time included; with
/// `bounds`, those of the window stand behind the keys. `slices` is the first of its tables
/// (`window_state.hpp`).
Result<std::unique_ptr<Operator>> make_close_windows(const WindowSpan& span,
                                                     std::shared_ptr<const Aggregation> plan,
                                                     SchemaPtr output, bool bounds,
                                                     std::shared_ptr<const StateTable> slices);
/// The same for sessions, each of which is put out once the watermark has reached its end.
Result<std::unique_ptr<Operator>> make_close_sessions(const SessionSpan& span,
                                                      std::shared_ptr<const Aggregation> plan,
                                                      SchemaPtr output,
                                                      std::shared_ptr<const StateTable> slices);

}  // namespace troupe
