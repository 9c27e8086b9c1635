#pragma once

#include "runtime/operator/operator.hpp"
#include "runtime/operator/reservation.hpp"
#include "runtime/ops/sort/sort_key.hpp"
#include "runtime/spill/partition_reader.hpp"
#include "runtime/spill/partition_writer.hpp"

#include <deque>
#include <memory>
#include <vector>

namespace troupe {

/// The two phases that bring rows to the subtask that sorts their range.
///
///   rows -> sort.sample -- rows (port 0) -> sort.partition -> (range) -> sort.local
///                 \-- samples (port 1), broadcast --^
///
/// Nobody knows the ranges before all rows have been seen. So each `sort.sample` holds its rows (on
/// disk where memory does not suffice), then sends a sample of their keys to every
/// `sort.partition`, then its rows to its own. All of those compute the same ranges from the same
/// samples. Rows do not wait in a channel meanwhile, so nothing can stand still in a circle.
using SortTerms = std::shared_ptr<const std::vector<OrderTerm>>;

/// What samples look like: "subtasks" (in the first row of each sample: how many samples there are;
/// else 0), "weight" (the rows that one stands for), then the terms "0", "1", ...
SchemaPtr sample_schema(const std::vector<OrderTerm>& terms);

class SortSampleOperator final : public Operator {
 public:
  explicit SortSampleOperator(SortTerms terms) : terms_(std::move(terms)) {}

  Result<> open(const OperatorContext& context) override;
  Result<Step> process(int input, const Batch& batch, Emitter& out) override;
  Result<> end_of_input(int input, Emitter& out) override;
  Result<Step> drain(Emitter& out) override;
  bool blocks() const override { return overflow_begins_ || writer_ || reader_; }

  /// Sampled rows of a batch, at most.
  static constexpr std::int64_t rows_per_batch = 64;
  /// Rows of a whole sample, at most; beyond that every second one goes and the others weigh twice.
  static constexpr std::int64_t rows_max = 16384;

 private:
  struct Sample {
    std::vector<std::shared_ptr<arrow::Array>> values;
    std::int64_t rows = 0;
    std::int64_t weight = 0;  ///< of each
  };

  Result<> sample(const Batch& batch);
  Result<> halve();
  Result<Batch> sample_batch() const;

  const SortTerms terms_;
  OperatorContext context_;
  Reservation memory_;
  std::deque<Batch> held_;
  std::vector<Sample> samples_;
  std::int64_t sampled_ = 0;
  std::int64_t thinning_ = 1;
  bool overflow_begins_ = false;
  std::unique_ptr<PartitionWriter> writer_;
  std::unique_ptr<PartitionReader> reader_;
};

class SortPartitionOperator final : public Operator {
 public:
  explicit SortPartitionOperator(SortTerms terms) : terms_(std::move(terms)) {}

  Result<> open(const OperatorContext& context) override;
  Result<Step> process(int input, const Batch& batch, Emitter& out) override;
  Result<> end_of_input(int input, Emitter& out) override;
  bool wants(int input) const override { return input == 1 || ready_; }

 private:
  Result<> add_samples(const Batch& batch);
  Result<> find_bounds();
  void assign(const SortKey& key, std::vector<std::vector<std::uint32_t>>& rows);

  const SortTerms terms_;
  std::uint32_t partitions_ = 1;
  std::vector<Batch> samples_;
  std::int64_t subtasks_seen_ = 0;
  std::int64_t subtasks_ = -1;
  bool ready_ = false;
  /// The end of a partition: the key of a sample, and where rows with this key lie in the order of
  /// all rows, measured in partitions (0.9 to 1.2: most of them are in partition 0).
  struct Bound {
    std::uint32_t row = 0;  ///< of `keys_`
    double from = 0;
    double to = 0;
  };
  SortKey keys_;  ///< of the samples
  std::vector<Bound> bounds_;
  double spread_ = 0;
};

}  // namespace troupe
