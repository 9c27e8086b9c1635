#pragma once

#include "runtime/operator/operator_kind.hpp"

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace troupe {

using Table = std::vector<Batch>;

/// A source kind of that name whose rows are given: a batch a split, read by any subtask; the
/// columns that are asked for.
std::unique_ptr<OperatorKind> given_kind(const std::string& name, SchemaPtr schema, Table table);

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

}  // namespace troupe
