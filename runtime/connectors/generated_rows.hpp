#pragma once

#include "runtime/operator/operator_kind.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

namespace troupe {

/// Numbers of rows: from `from` on, each `step` after the one before, all less than `to`.
struct RowRange {
  std::int64_t from = 0;
  std::int64_t to = 0;
  std::int64_t step = 1;

  std::int64_t count() const { return from < to ? (to - from - 1) / step + 1 : 0; }
};

/// How many rows a generator makes, and how fast: its parameters `rows` (or whatever it counts)
/// and `rate`. A stream without the first never ends, and a table without it is a mistake.
struct GeneratedRows {
  std::optional<std::int64_t> count;  ///< none: they never end
  std::optional<double> rate;  ///< rows a second of all subtasks; none: as fast as they are taken

  static Result<GeneratedRows> of(const Options& options, const PlanContext& context,
                                  const std::string& counted = "rows");
  static Parameter count_parameter(
      const std::string& counted = "rows",
      const std::string& help = "How many. A stream without it never ends.");
  static Parameter rate_parameter(const std::string& counted = "rows");

  /// "1000 rows, 50 a second", for `explain`.
  std::string told() const;
  /// The number that no row has any more.
  std::int64_t end() const;
};

/// Makes the rows with these numbers. Any thread.
using MakeRows = std::function<Result<Batch>(const RowRange& rows)>;

/// The source of rows that are made by their numbers alone, and so are the same whoever makes them,
/// and whenever. In a batch job each split is a range of them. In a stream each subtask makes every
/// so many-th row, so that all come equally far, and a restart finds its row by arithmetic.
OperatorPlan plan_generated(const std::string& name, const SchemaPtr& columns,
                            const GeneratedRows& rows, const MakeRows& make);

}  // namespace troupe
