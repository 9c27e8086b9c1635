#pragma once

#include "runtime/operator/operator_kind.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace troupe {

using Table = std::vector<Batch>;

/// A source kind of that name whose rows are given: a batch a split, read by any subtask, at most
/// `rows_max` rows at once; the columns that are asked for.
std::unique_ptr<OperatorKind> given_kind(const std::string& name, SchemaPtr schema, Table table,
                                         std::int64_t rows_max = batch_rows_max);

/// Keeps what each subtask writes, in order.
struct Collected {
  std::map<std::uint32_t, Table> by_subtask;

  Table in_order() const {
    Table all;
    for (const auto& [subtask, table] : by_subtask) {
      all.insert(all.end(), table.begin(), table.end());
    }
    return all;
  }
};

/// A sink kind of that name that collects; `collected` outlives it.
std::unique_ptr<OperatorKind> collect_kind(const std::string& name, Collected& collected);

/// Keeps what was committed: a writer stages what it got between two barriers.
struct Committed {
  Table table;
  std::map<std::string, Table> staged;  ///< by committable
  std::set<Epoch> epochs;
};

/// A sink kind of that name whose rows are there once committed; `committed` outlives it.
std::unique_ptr<OperatorKind> commit_kind(const std::string& name, Committed& committed);

}  // namespace troupe
