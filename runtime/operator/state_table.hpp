#pragma once

#include "runtime/base/enums.hpp"
#include "runtime/base/result.hpp"
#include "runtime/data/batch.hpp"
#include "runtime/data/hidden_columns.hpp"
#include "runtime/data/key_group.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace troupe {

/// What the rows of a table, which were written one after another, come to.
enum class StateMerge {
  /// Of the rows of one key the last one counts. Where the table has `#weight`, a row with a
  /// negative one says that its key is gone: of its other columns only those of the key mean
  /// something.
  last,
  /// Rows with the same content add up their `#weight`; those that come to zero vanish. What has
  /// been taken back more often than it was given stays, with its negative weight.
  weights,
  /// The rows of one key become what the table's own function makes of them, for example partial
  /// aggregates.
  accumulate,
};
const char* to_string(StateMerge merge);
template <>
struct EnumOf<StateMerge> {
  static constexpr auto last = StateMerge::accumulate, unknown = StateMerge::accumulate;
  static constexpr const char* noun = "merge of a table";
};

/// To whom rows belong, which says who reads them after the parallelism has changed.
enum class StateOwner {
  /// Each row to the subtask that owns the group of its key. A table without key columns has one
  /// group: the state of an operator that runs once.
  key_groups,
  /// All rows to the task that wrote them, as positions in splits and watermarks of lanes. Such a
  /// table is small. It is written whole with every snapshot, rows or none, so the newest file of a
  /// task tells all of it; every reader gets the rows of all tasks and keeps what it has become
  /// responsible for. Nothing is merged, so nothing that another task took over long ago comes
  /// back.
  task,
};
const char* to_string(StateOwner owner);
template <>
struct EnumOf<StateOwner> {
  static constexpr auto last = StateOwner::task, unknown = StateOwner::task;
  static constexpr const char* noun = "owner of a table's rows";
};

/// Merges rows of a table, the oldest first: fewer rows, which mean the same. It gets all rows
/// there are of each key that it gets any of, and its results can be merged again.
using AccumulateRows = std::function<Result<std::vector<Batch>>(const std::vector<Batch>& rows)>;

/// One table of an operator's state: the operator declares it in its plan, and writes nothing but
/// what changed. Immutable, shared by all who read or write rows of it.
struct StateTable {
  std::string name;  ///< unique within its operator
  /// Logical types; `#time` and `#weight` last, where there are any.
  SchemaPtr schema;
  std::vector<std::string> key = {};
  StateMerge merge = StateMerge::last;
  StateOwner owner = StateOwner::key_groups;
  /// A timestamp[us]: a row is of no use once the watermark is beyond it. Empty: it is of use for
  /// ever; so is a row whose time is null.
  std::string expires_by = {};
  AccumulateRows accumulate = {};

  /// Whether this can be a table, told by what is wrong: `invalid_argument`, or `unsupported` where
  /// a column's type cannot be a key.
  Result<> check() const;

  std::vector<int> key_columns() const;
  int expiry_column() const;  ///< -1: none
  int weight() const;         ///< the column of `#weight`; -1: none
  /// True where rows that merge with each other expire together, so that an expired row can be left
  /// out even if older ones of its key are not at hand.
  bool expires_as_one() const;
};

/// A table by the operator that declares it.
struct OperatorTable {
  std::string op;  ///< as the plan names it
  std::shared_ptr<const StateTable> table;
};

/// `hash_keys` of the key of every row: its high bits are the row's key group (`key_group_of`).
Result<> hash_rows_of(const StateTable& table, const Batch& rows, std::vector<std::uint64_t>& out);

/// The same rows under the names of the table's schema; a defect where they are not of its types,
/// or a weight is null.
Batch rows_of(const StateTable& table, const Batch& rows);

}  // namespace troupe
