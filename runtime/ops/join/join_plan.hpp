#pragma once

#include "runtime/expr/expression.hpp"
#include "runtime/operator/operator_kind.hpp"
#include "runtime/ops/join/join_spec.hpp"

#include <array>
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

/// The columns of the output, and for each the input columns it is made of.
struct JoinOutput {
  std::vector<JoinSpec::Column> columns;
  std::vector<std::shared_ptr<arrow::Field>> fields;
  std::vector<std::set<int>> needs_left;
  std::vector<std::set<int>> needs_right;
};

/// Both sides on their way into the join, and what it gives.
struct PreparedJoin {
  JoinSide left;
  JoinSide right;
  JoinOutput output;
};

/// All of that: fills in the spec, whose type is set, and adds the phases in front of the join.
/// `flows`: of the batches that each side will be given.
Result<PreparedJoin> prepare_join(JoinSpec& spec, const std::vector<PlanInput>& inputs,
                                  const std::array<Flow, 2>& flows,
                                  const std::vector<JoinKeyPair>& pairs, const Options& options,
                                  const PlanContext& context, std::vector<Phase>& phases);

using JoinNeeds = std::function<std::vector<std::vector<int>>(const std::vector<int>&)>;
/// `more_left`: columns that it needs of the left input, whatever is wanted.
JoinNeeds needs_of_join(const JoinOutput& output, const std::vector<JoinKeyPair>& pairs,
                        const std::set<int>& more_left = {});

/// The parameters that name keys, and the columns of the right side.
std::vector<Parameter> join_key_parameters();
Parameter join_suffix_parameter();

}  // namespace troupe
