#pragma once

#include "runtime/operator/operator.hpp"
#include "runtime/operator/reservation.hpp"
#include "runtime/operator/state_table.hpp"
#include "runtime/ops/aggregate/group_states.hpp"
#include "runtime/ops/window/window_plan.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace troupe {

/// The slices of windows that are not closed: each a table of groups. Owned by the operator that
/// closes them.
///
/// What came since the last barrier is kept beside, by slice, so that what ends with its windows
/// before that is never written. Memory is reserved for both.
class OpenSlices {
 public:
  /// `plan` groups by the key alone; `table` is that of the rows (`slices_table`).
  OpenSlices(const WindowSpan& span, std::shared_ptr<const Aggregation> plan,
             std::shared_ptr<const StateTable> table);

  void open(const OperatorContext& context);
  /// Partial results by slice and key.
  Result<> add(const Batch& batch) { return add_all(batch, notes_changes_); }
  /// Partial results of one slice, its column in front.
  Result<> add_to(std::int64_t slice, const Batch& batch) {
    return add_some(slice, batch, notes_changes_);
  }
  Result<> restore(const Batch& rows);
  /// Rows of the table: what has come since the last call.
  std::vector<Batch> take_changes();

  /// By where they begin, the oldest first.
  std::map<std::int64_t, GroupStates>& all() { return slices_; }
  /// Forgets those all of whose windows end by then.
  void forget(std::int64_t time);

 private:
  Result<> add_all(const Batch& batch, bool note);
  Result<> add_some(std::int64_t slice, const Batch& batch, bool note);
  Result<> note_change(std::int64_t slice, const Batch& batch);
  Result<> reserve(std::int64_t more);
  void shrink(std::int64_t gone);

  const WindowSpan span_;
  const std::shared_ptr<const Aggregation> plan_;
  const std::shared_ptr<const StateTable> table_;
  bool notes_changes_ = false;
  Reservation memory_;
  std::int64_t memory_bytes_max_ = 0;
  std::int64_t held_ = 0;
  std::map<std::int64_t, GroupStates> slices_;
  std::map<std::int64_t, std::vector<Batch>> changes_;
  std::int64_t changed_bytes_ = 0;
};

/// An operator that puts out what of its open slices is final by a time, and goes on from them.
class SliceCloser : public Operator {
 public:
  Result<> open(const OperatorContext& context) final;
  Result<Step> process(int input, const Batch& batch, Emitter& out) final;
  Result<Step> advance(EventTime time, Emitter& out) final;
  Result<Step> drain(Emitter& out) final;
  /// Of the slices that are still open.
  Result<StateRows> snapshot() final;
  Result<> restore(int table, const Batch& rows) final;

 protected:
  SliceCloser(const WindowSpan& span, std::shared_ptr<const Aggregation> plan,
              std::shared_ptr<const StateTable> slices)
      : open_(span, std::move(plan), std::move(slices)) {}

  OpenSlices open_;
  std::optional<std::int64_t> closed_;  ///< what has ended by then was put out

 private:
  /// Puts out what ends by `time`, about a batch a call.
  virtual Result<Step> close(std::int64_t time, Emitter& out) = 0;
};

}  // namespace troupe
