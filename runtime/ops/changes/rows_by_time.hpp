#pragma once

#include "runtime/operator/flow.hpp"
#include "runtime/operator/operator.hpp"
#include "runtime/operator/reservation.hpp"
#include "runtime/operator/state_table.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace troupe {

/// Rows of a stream that wait until the watermark has passed their event time: then all rows of
/// that time are there. For what ends with a window: rows that have to do with each other have one
/// time. Owned by one operator.
class RowsByTime {
 public:
  /// The table for rows of these (visible) columns: with them their time, by which they expire.
  static Result<std::shared_ptr<const StateTable>> table(std::string name, const SchemaPtr& columns,
                                                         const std::vector<int>& key);

  RowsByTime(std::shared_ptr<const StateTable> table, const OperatorContext& context)
      : table_(std::move(table)),
        barriers_(context.barriers),
        budget_(context.memory),
        memory_(context.memory) {}

  /// Rows with their time as last column. `unavailable` where memory does not suffice.
  Result<> add(const Batch& batch);
  /// Rows of the table.
  Result<> restore(const Batch& rows);
  std::vector<Batch> take_changes() { return std::exchange(changes_, {}); }

  /// The earliest time of a row; none where there is no row.
  std::optional<std::int64_t> first() const {
    if (times_.empty()) return std::nullopt;
    return times_.begin()->first;
  }
  /// The rows of this time, without it; the store has them no more. Later ones would be late.
  std::vector<Batch> take(std::int64_t time);
  /// Rows that came when those of their time were gone: dropped.
  std::uint64_t late() const { return late_; }

 private:
  struct Moment {
    std::vector<Batch> rows;
    std::int64_t bytes = 0;
  };
  Result<> keep(std::int64_t time, Batch rows);
  Result<> put(const Batch& rows, std::span<const std::int64_t> times);

  const std::shared_ptr<const StateTable> table_;
  const bool barriers_;
  MemoryBudget* const budget_;
  Reservation memory_;
  std::map<std::int64_t, Moment> times_;
  std::vector<Batch> changes_;
  std::int64_t taken_ = EventTime::min().time_since_epoch().count();
  std::uint64_t late_ = 0;
};

/// Event times, one for all rows.
std::shared_ptr<arrow::Array> times_array(std::vector<std::int64_t> times);

}  // namespace troupe
