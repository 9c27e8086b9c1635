#pragma once

#include "runtime/data/batch.hpp"
#include "runtime/ops/aggregate/aggregation.hpp"
#include "runtime/ops/aggregate/grouper.hpp"

#include <memory>
#include <vector>

namespace troupe {

/// The groups of one task and their running results. Owned by one operator instance.
class GroupStates {
 public:
  static Result<GroupStates> make(std::shared_ptr<const Aggregation> plan);

  /// Adds rows of the aggregation's input.
  Result<> add(const Batch& rows);
  /// Adds partial results, of this or another task.
  Result<> merge(const Batch& states);
  /// The reverse, exactly: for aggregations all of whose parts know it (`takes_back`).
  Result<> take_back(const Batch& states);

  /// The group of each row, by its first columns, which are the key; a key that is new becomes a
  /// group without rows. Good until the next call.
  Result<RowGroups> groups_of(const Batch& rows);

  /// Without keys there is one group, even if no row came.
  std::uint32_t groups() const;
  /// How many rows `next_states` gives: groups, and pairs.
  std::int64_t state_rows() const;
  std::int64_t bytes() const;

  /// Where a walk over the states stands.
  struct Cursor {
    std::size_t section = 0;  ///< 0: the groups; i: the pairs of the i-th part that has them
    std::uint32_t next = 0;
  };
  /// The next partial results, at most a batch of them; an empty batch (`!batch`) at the end.
  Result<Batch> next_states(Cursor& cursor) const;
  /// The partial results of groups [begin, end), where no part has pairs.
  Result<Batch> states(std::uint32_t begin, std::uint32_t end) const;
  /// Of these, those of one part alone.
  Result<std::shared_ptr<arrow::Array>> states_of_part(std::size_t part, std::uint32_t begin,
                                                       std::uint32_t end) const {
    return parts_[part]->states(begin, end);
  }
  /// The answer for groups [begin, end).
  Result<Batch> results(std::uint32_t begin, std::uint32_t end) const;

 private:
  GroupStates(std::shared_ptr<const Aggregation> plan, Grouper grouper,
              std::vector<std::unique_ptr<Accumulator>> parts);
  Result<RowGroups> assign(const std::vector<std::shared_ptr<arrow::Array>>& keys,
                           std::int64_t rows);
  void count_rows(RowGroups& groups);
  using StateCall = Result<> (Accumulator::*)(const RowGroups&, const arrow::Array&);
  Result<> apply(const Batch& states, StateCall call);
  Result<std::vector<std::shared_ptr<arrow::Array>>> keys(std::uint32_t begin,
                                                          std::uint32_t end) const;
  Result<Batch> group_states(Cursor& cursor) const;
  Result<Batch> pair_states(std::size_t part, Cursor& cursor) const;

  std::shared_ptr<const Aggregation> plan_;
  Grouper grouper_;
  std::vector<std::unique_ptr<Accumulator>> parts_;
  // Of the batch at hand.
  std::vector<std::uint32_t> ids_;
  std::vector<std::int64_t> sizes_;
};

/// Every row as a partial result of its own: what `add` and `next_states` would make of rows with
/// nothing in common, without looking for what they have in common.
Result<Batch> states_of_rows(const Aggregation& plan, const Batch& rows);

/// The results of one call for groups [begin, end). `invalid_argument` where its type cannot hold
/// one.
Result<std::shared_ptr<arrow::Array>> finish_call(const AggregateCall& call,
                                                  const std::vector<const Accumulator*>& parts,
                                                  std::uint32_t begin, std::uint32_t end);

}  // namespace troupe
