#pragma once

#include "runtime/operator/operator_kind.hpp"
#include "runtime/ops/aggregate/aggregation.hpp"

#include <memory>
#include <vector>

namespace troupe {

/// An aggregation over a stream whose groups never end. Immutable, shared by all subtasks.
///
/// What is known of a group is rows of state tables: one with its counts and sums, which know how
/// to take rows back, and one for each value of those parts that must look at values again when one
/// of them is gone (`value_parts`). Over a stream that takes nothing back, extremes are such sums,
/// too.
struct UpdatingAggregation {
  std::shared_ptr<const Aggregation> all;
  std::shared_ptr<const Aggregation> sums;  ///< only the parts that are in the row of a group
  std::vector<std::size_t> sum_parts;       ///< of `all`
  std::vector<std::size_t> value_parts;     ///< likewise
  bool from_changes = false;
  bool to_changes = true;  ///< else rows never change once they are there
  std::vector<int> keys;   ///< columns of the partial results
  std::shared_ptr<const StateTable> groups;
  std::vector<std::shared_ptr<const StateTable>> values;  ///< by `value_parts`

  static Result<std::shared_ptr<const UpdatingAggregation>> make(AggregateSelect select,
                                                                 const Flow& input);
};

/// First phase over a stream of changes: every row as a partial result with its weight.
Result<std::unique_ptr<Operator>> make_states_of_rows(
    std::shared_ptr<const UpdatingAggregation> plan);
/// Second phase: takes partial results, and puts out what changes in the rows of groups.
Result<std::unique_ptr<Operator>> make_updating_aggregate(
    std::shared_ptr<const UpdatingAggregation> plan);

}  // namespace troupe
