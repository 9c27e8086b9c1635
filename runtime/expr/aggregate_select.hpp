#pragma once

#include "runtime/expr/expression.hpp"

#include <optional>
#include <string>
#include <vector>

namespace troupe {

enum class AggregateFunction {
  count_rows,
  count,
  sum,
  min,
  max,
  avg,
  stddev,
  count_distinct,
  stddev_pop,
  var_samp,
  var_pop,
  percentile,   ///< percentile_cont(f) WITHIN GROUP (ORDER BY x); median(x) with f = 0.5
  text_joined,  ///< string_agg(x, separator)
};

/// One aggregate call, bound: `sum(distance * 1.6) FILTER (WHERE delay > 0)`.
struct AggregateCall {
  AggregateFunction function = AggregateFunction::count_rows;
  std::optional<Expression> argument;  ///< none for count(*)
  std::optional<Expression> filter;    ///< rows for which it is not true do not count
  bool distinct = false;               ///< of sum, avg, deviations and text_joined: each value once
  double fraction = 0;                 ///< of percentile, from 0 to 1
  std::string separator = {};          ///< of text_joined
  bool descending = false;             ///< of percentile and text_joined: the largest value first
  /// count: int64. sum: int64 of integers (overflow is an error, not a wrap), double of floats,
  /// decimal(38, scale) of decimals. avg and stddev (sample): double of integers and floats;
  /// avg of decimals is decimal(38, scale + 6), rounded half away from zero. min, max: the
  /// argument's type. percentile: double.
  std::shared_ptr<arrow::DataType> type;

  friend bool same_call(const AggregateCall& a, const AggregateCall& b);
};

/// A named expression as the user wrote it: `{delays: "avg(delay)"}`.
struct NamedText {
  std::string name;
  std::string text;
};

/// A bound aggregation: the distinct calls of all select expressions, and each expression rewritten
/// over the columns [group keys..., call results...]. So `total: sum(a) / count(*)` is two calls
/// and one division.
struct AggregateSelect {
  SchemaPtr keys;                      ///< the group columns, in order
  std::vector<Expression> key_values;  ///< over the input: one for each key
  std::vector<AggregateCall> calls;    ///< over the input
  SchemaPtr intermediate;              ///< keys then one column a call ("#0", "#1", ...)
  std::vector<Expression> outputs;     ///< over `intermediate`, one for each selected name
  SchemaPtr output;                    ///< keys then the selected names
};

/// `group_by` are column names or expressions with a name. An error's path is
/// "group_by.<index>" or "select.<name>".
Result<AggregateSelect> bind_aggregates(const std::vector<NamedText>& group_by,
                                        const std::vector<NamedText>& select,
                                        const SchemaPtr& input);

/// One term of ORDER BY, bound.
struct OrderTerm {
  Expression value;
  bool descending = false;
  bool nulls_first = false;  ///< PostgreSQL's default: nulls last ascending, first descending
};

/// "delay desc nulls last" -> a bound term. Errors carry their span in `text`.
Result<OrderTerm> bind_order(std::string_view text, const SchemaPtr& schema);

}  // namespace troupe
