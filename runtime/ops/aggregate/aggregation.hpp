#pragma once

#include "runtime/expr/aggregate_select.hpp"
#include "runtime/expr/expression_set.hpp"
#include "runtime/operator/operator_kind.hpp"
#include "runtime/ops/aggregate/accumulator.hpp"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace troupe {

/// What an aggregation computes, taken apart: its calls are made of accumulators, accumulators read
/// arguments, and neither is there twice. Immutable, shared by all subtasks.
struct Aggregation {
  struct Input {
    std::optional<Expression> argument;  ///< none for count(*)
    std::optional<Expression> filter;
  };
  struct Part {
    AccumulatorKind kind;
    std::size_t input;                      ///< of `inputs`
    std::shared_ptr<arrow::DataType> type;  ///< of the argument; null for count(*)
  };

  AggregateSelect select;
  std::vector<Input> inputs;
  /// The keys, arguments and filters.
  std::shared_ptr<const ExpressionSet> read_together;
  std::vector<Part> parts;
  std::vector<std::vector<std::size_t>> parts_of_calls;
  /// Partial results as they travel: the key columns, then one column a part. Null is the state of
  /// no rows; a part of pairs has rows of its own (see `PairAccumulator`).
  SchemaPtr partial;

  /// The part that counts rows, where it was asked for.
  std::optional<std::size_t> rows_part = {};

  /// `unsupported` for a key or an argument of a type that it cannot work on. `counted`: it counts
  /// the rows of each group, whatever is selected.
  static Result<std::shared_ptr<const Aggregation>> make(AggregateSelect select,
                                                         bool counted = false);

  std::size_t key_count() const { return select.key_values.size(); }
};

/// The texts of a parameter; none if it was not given.
std::vector<NamedText> texts_of(const Options& options, const std::string& parameter);
/// "group by carrier: flights: count(*), late: avg(delay)"
std::string detail_of(const std::vector<NamedText>& group_by, const std::vector<NamedText>& select);

/// Columns that the input must have: all that is read, whatever is selected of it, since an
/// aggregation is bound as a whole.
std::vector<int> columns_read(const Aggregation& plan);

/// The two phases of it: `<name>.partial` on each producer, `<name>.final` by key; one subtask
/// where there are no keys.
OperatorPlan plan_aggregation(const std::string& name, std::shared_ptr<const Aggregation> plan,
                              const PlanInput& input, std::string detail);

/// The same over a stream: groups whose key has a window column leave when their window has ended;
/// others leave as changes, a few times a second, and their rows are taken back when they change.
/// Where nothing is computed of groups and the input takes no rows back, so is the output.
Result<OperatorPlan> plan_stream_aggregation(const std::string& name,
                                             const std::vector<NamedText>& group_by,
                                             const std::vector<NamedText>& select,
                                             const PlanInput& input, std::string detail);

/// The first phase: groups what fits into `partial_bytes_max` and lets it go then. Where grouping
/// makes few rows fewer, rows go through one by one. So it neither waits for memory nor spills.
Result<std::unique_ptr<Operator>> make_partial_aggregate(std::shared_ptr<const Aggregation> plan);
/// The second: merges partial results, holds them all, and puts out the answer at the end.
Result<std::unique_ptr<Operator>> make_final_aggregate(std::shared_ptr<const Aggregation> plan,
                                                       const std::string& name);

/// What a partial phase holds at most before it lets its groups go: about what the caches hold.
inline constexpr std::int64_t partial_bytes_max = 16 << 20;

}  // namespace troupe
