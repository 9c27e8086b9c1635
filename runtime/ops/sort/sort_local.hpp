#pragma once

#include "runtime/operator/operator.hpp"
#include "runtime/operator/reservation.hpp"
#include "runtime/ops/sort/sort_exchange.hpp"
#include "runtime/ops/sort/sort_key.hpp"
#include "runtime/ops/sort/sort_runs.hpp"

#include <memory>
#include <vector>

namespace troupe {

/// Batches in memory, read in sorted order. Where the batches are sorted in themselves and do not
/// overlap (time series mostly are), they are passed on as they are; otherwise their columns are
/// joined, the keys sorted, and the rows gathered once, a batch at a time.
class SortedBatches {
 public:
  static Result<SortedBatches> make(const std::vector<OrderTerm>& terms,
                                    std::vector<Batch> batches);
  /// At most `rows_max` rows; an empty batch (`!batch`) at the end.
  Result<Batch> next(std::int64_t rows_max);

 private:
  std::vector<Batch> ordered_;  ///< as they are: next is `ordered_[at_]`
  Batch all_;
  std::vector<std::uint32_t> rows_;
  std::size_t at_ = 0;
};

/// Sorts all rows of one subtask, in memory, or in runs on disk that are merged at the end.
class SortLocalOperator final : public Operator {
 public:
  explicit SortLocalOperator(SortTerms terms) : terms_(std::move(terms)) {}

  Result<> open(const OperatorContext& context) override;
  Result<Step> process(int input, const Batch& batch, Emitter& out) override;
  Result<> end_of_input(int input, Emitter& out) override;
  Result<Step> drain(Emitter& out) override;
  bool blocks() const override { return run_begins_ || runs_ != nullptr; }

  /// A run ends here even where there is more memory: a column of it is one array, and strings in
  /// it are addressed with 32 bits.
  static constexpr std::int64_t run_bytes_max = std::int64_t{1} << 30;

 private:
  Result<> write_run();

  const SortTerms terms_;
  OperatorContext context_;
  Reservation memory_;
  std::vector<Batch> held_;
  bool run_begins_ = false;
  std::unique_ptr<SortRuns> runs_;
  std::unique_ptr<SortedBatches> sorted_;
};

}  // namespace troupe
