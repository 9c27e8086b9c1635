#pragma once

#include "runtime/ops/aggregate/accumulator.hpp"
#include "runtime/ops/aggregate/grouper.hpp"

#include <utility>

namespace arrow {
struct ArrayData;
}

namespace troupe {

/// count(distinct x): the different pairs of group and value, numbered like any other key. Where it
/// is asked for sums too, each new pair is passed on to them.
class DistinctAccumulator : public PairAccumulator {
 public:
  static Result<std::unique_ptr<DistinctAccumulator>> make(
      const std::shared_ptr<arrow::DataType>& type, bool sums);

  void resize(std::size_t groups) override;
  Result<> update(const RowGroups& groups, const Argument& argument) override;
  std::int64_t bytes() const override;

  /// Of the different values: what the functions of several accumulators are made of.
  const CountAccumulator& counts() const { return counts_; }
  const SumAccumulator* sum() const { return sum_.get(); }
  const SumAccumulator* squares() const { return squares_.get(); }

  std::uint32_t pairs() const override { return pairs_.size(); }
  Result<Pairs> pairs(std::uint32_t begin, std::uint32_t end) const override;

 private:
  /// Pairs of group and dictionary code that were there before: most rows end here.
  class SeenCodes {
   public:
    /// False where the column is no dictionary, or one too large.
    bool bind(const arrow::Array& values, std::size_t groups);
    /// Whether the pair was there before; from now on it was.
    bool test_and_set(std::uint32_t group, std::int64_t row) {
      return std::exchange(seen_[group * codes_ + indices_[row]], std::uint8_t{1}) != 0;
    }
    std::int64_t bytes() const { return static_cast<std::int64_t>(seen_.size()); }

   private:
    std::shared_ptr<arrow::ArrayData> dictionary_;
    const std::int32_t* indices_ = nullptr;  ///< of the batch at hand
    std::size_t codes_ = 0;
    std::vector<std::uint8_t> seen_;
  };

  std::vector<std::uint32_t> rows_to_look_at(const RowGroups& groups, const Argument& argument);
  Result<> pass_on(const std::shared_ptr<arrow::Array>& values,
                   const std::vector<std::uint32_t>& groups,
                   const std::vector<std::uint32_t>& rows);
  DistinctAccumulator(const std::shared_ptr<arrow::DataType>& type, Grouper pairs)
      : PairAccumulator(type), pairs_(std::move(pairs)) {}

  Grouper pairs_;  ///< of (group, value)
  SeenCodes seen_;
  std::size_t groups_ = 0;
  CountAccumulator counts_;
  std::unique_ptr<SumAccumulator> sum_, squares_;  ///< null where not asked for
};

}  // namespace troupe
