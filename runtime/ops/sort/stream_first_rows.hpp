#pragma once

#include "runtime/operator/flow.hpp"
#include "runtime/ops/sort/first_rows.hpp"
#include "runtime/ops/sort/sort_exchange.hpp"

#include <memory>
#include <vector>

namespace troupe {

/// The first rows of each key of a stream. Immutable, shared by all subtasks.
struct StreamFirstRows {
  std::shared_ptr<const FirstRowsOperator::Spec> rows;
  SortTerms terms;        ///< in whose order rows are cut: the key's in front
  std::vector<int> keys;  ///< columns
  Flow input;
  std::shared_ptr<const StateTable> table;
};

/// For keys that have a window column: the rows of a window wait until it has ended, and the first
/// of them leave, as appends.
Result<std::unique_ptr<Operator>> make_first_rows_of_windows(
    std::shared_ptr<const StreamFirstRows> plan);

/// For others: what changes in the first rows leaves. Over a stream that takes nothing back only
/// first rows are kept, for others never become so; else all of them.
Result<std::unique_ptr<Operator>> make_updating_first_rows(
    std::shared_ptr<const StreamFirstRows> plan);

}  // namespace troupe
