#pragma once

#include "runtime/operator/operator.hpp"
#include "runtime/ops/sort/sort_exchange.hpp"
#include "runtime/ops/sort/sort_local.hpp"

#include <memory>
#include <vector>

namespace troupe {

/// The first `rows_max` rows in order, emitted in order. It holds little more than those: once it
/// has so many, a row whose first term is behind that of the last of them is not looked at again.
class SortTopOperator final : public Operator {
 public:
  SortTopOperator(SortTerms terms, std::int64_t rows_max)
      : terms_(std::move(terms)), rows_max_(rows_max) {}

  Result<Step> process(int input, const Batch& batch, Emitter& out) override;
  Result<Step> drain(Emitter& out) override;

  /// More rows than this are better sorted as a whole, by all subtasks.
  static constexpr std::int64_t rows_max_max = 100'000;

 private:
  Result<std::vector<std::uint32_t>> candidates(const Batch& batch) const;
  Result<Batch> first_rows(const Batch& batch) const;
  Result<> compact();

  const SortTerms terms_;
  const std::int64_t rows_max_;
  std::vector<Batch> held_;
  std::int64_t held_rows_ = 0;
  /// The first term of the last row that counts: one row. Not set before there are enough.
  std::unique_ptr<SortColumn> last_;
  bool sorted_ = false;
  std::size_t emitted_ = 0;
};

}  // namespace troupe
