#pragma once

#include "runtime/expr/expression.hpp"
#include "runtime/operator/operator_kind.hpp"
#include "runtime/ops/join/join_spec.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace troupe {

// What all joins on equal keys have in common: keys, bound; each side with its keys as columns; the
// columns of the output.

/// One side of one pair of keys.
struct JoinKey {
  int column = -1;                  ///< of the input; -1: an expression
  std::optional<Expression> value;  ///< of the right side only
  std::shared_ptr<arrow::DataType> type;
};

struct JoinKeyPair {
  JoinKey left;
  JoinKey right;
  std::shared_ptr<arrow::DataType> type;  ///< what both are compared as
  bool once = false;                      ///< `using`: one column of the output
};

/// The keys that `using` or `keys` name.
Result<std::vector<JoinKeyPair>> bind_join_keys(const Options& options, const SchemaPtr& left,
                                                const SchemaPtr& right);
/// "using carrier", "on dest = faa".
std::string join_keys_text(const Options& options);

/// One side on its way into the join: its keys as columns, and where it comes from.
struct JoinSide {
  PhaseInput from;
  SchemaPtr schema;
  std::vector<int> keys;
};
/// Adds a phase where a key is no column yet, or not of the type that it is compared as. `flow`: of
/// the batches that it will be given.
JoinSide prepare_join_side(int input, const SchemaPtr& schema, const Flow& flow,
                           const std::vector<JoinKeyPair>& pairs, std::vector<Phase>& phases);

/// The columns of the output, and for each the input columns it is made of.
struct JoinOutput {
  std::vector<JoinSpec::Column> columns;
  std::vector<std::shared_ptr<arrow::Field>> fields;
  std::vector<std::set<int>> needs_left;
  std::vector<std::set<int>> needs_right;
};

/// What the spec's type gives, named by the options; only the columns that somebody needs.
Result<JoinOutput> bind_join_output(const JoinSpec& spec, const JoinSide& left_side,
                                    const SchemaPtr& left, const SchemaPtr& right,
                                    const std::vector<JoinKeyPair>& pairs, const Options& options,
                                    const PlanContext& context);

using JoinNeeds = std::function<std::vector<std::vector<int>>(const std::vector<int>&)>;
/// `more_left`: columns that it needs of the left input, whatever is wanted.
JoinNeeds needs_of_join(const JoinOutput& output, const std::vector<JoinKeyPair>& pairs,
                        const std::set<int>& more_left = {});

/// The parameters that name keys, and the columns of the right side.
std::vector<Parameter> join_key_parameters();
Parameter join_suffix_parameter();

}  // namespace troupe
