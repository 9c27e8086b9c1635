#pragma once

#include "runtime/operator/operator.hpp"
#include "runtime/operator/operator_kind.hpp"
#include "runtime/ops/sort/sort_key.hpp"

#include <memory>
#include <string>
#include <vector>

namespace troupe {

/// Which rows of each key are the first ones.
struct FirstRows {
  std::vector<std::string> key;  ///< columns of the input, at least one
  std::vector<OrderTerm> order;
  std::int64_t rows = 1;  ///< of each key
  /// As SQL's rank(): rows that are equal by `order` have one place, and those beside the last one
  /// stay, too. Otherwise as row_number().
  bool ties = false;
  std::string rank = {};  ///< a new column for the place of each row, from 1; empty: none
};

/// The phases and what is known of their output. All rows of a key meet in one subtask, which sorts
/// and cuts: with less memory than they need, by the disk. Where `ties` does not keep them, rows
/// that are equal by `order` are told apart by their other columns, so that the answer is always
/// the same one.
Result<OperatorPlan> plan_first_rows(FirstRows wanted, const PlanInput& input);

/// Cuts rows that come in the order of their keys, and in `order` within a key.
class FirstRowsOperator final : public Operator {
 public:
  struct Spec {
    std::vector<OrderTerm> key;
    std::vector<OrderTerm> order;
    std::int64_t rows = 1;
    bool ties = false;
    bool with_rank = false;
    SchemaPtr output;
  };

  explicit FirstRowsOperator(std::shared_ptr<const Spec> spec) : spec_(std::move(spec)) {}

  Result<Step> process(int input, const Batch& batch, Emitter& out) override;

 private:
  const std::shared_ptr<const Spec> spec_;
  Batch last_;               ///< one row: the last one so far
  std::int64_t number_ = 0;  ///< of the last row within its key, from 1
  std::int64_t rank_ = 0;    ///< likewise, the same for equal rows
};

}  // namespace troupe
