#pragma once

#include "runtime/ops/grouping/accumulator.hpp"
#include "runtime/ops/grouping/grouper.hpp"

#include <utility>

namespace arrow {
struct ArrayData;
}

namespace troupe {

/// count(distinct x): the different pairs of group and value, numbered like any other key.
///
/// Its states do not fit one value a group: they travel as rows of their own, one a pair, with the
/// group's key and the value in this column. So a state is a value or null, and `states` (a row a
/// group) is all null.
class DistinctAccumulator : public Accumulator {
 public:
  static Result<std::unique_ptr<DistinctAccumulator>> make(
      const std::shared_ptr<arrow::DataType>& type);

  void resize(std::size_t groups) override { counts_.resize(groups); }
  Result<> update(const RowGroups& groups, const Argument& argument) override;
  std::shared_ptr<arrow::DataType> state_type() const override { return type_; }
  Result<std::shared_ptr<arrow::Array>> states(std::uint32_t begin,
                                               std::uint32_t end) const override;
  Result<> merge(const RowGroups& groups, const arrow::Array& states) override;
  std::int64_t bytes() const override;

  std::int64_t count(std::uint32_t group) const { return counts_[group]; }

  std::uint32_t pairs() const { return pairs_.size(); }
  /// Pairs [begin, end): the group of each, and its value.
  struct Pairs {
    std::vector<std::uint32_t> groups;
    std::shared_ptr<arrow::Array> values;
  };
  Result<Pairs> pairs(std::uint32_t begin, std::uint32_t end) const;

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
    std::int64_t bytes() const { return static_cast<std::int64_t>(seen_.capacity()); }

   private:
    std::shared_ptr<arrow::ArrayData> dictionary_;
    const std::int32_t* indices_ = nullptr;  ///< of the batch at hand
    std::size_t codes_ = 0;
    std::vector<std::uint8_t> seen_;
  };

  std::vector<std::uint32_t> rows_to_look_at(const RowGroups& groups, const Argument& argument);
  DistinctAccumulator(std::shared_ptr<arrow::DataType> type, Grouper pairs)
      : type_(std::move(type)), pairs_(std::move(pairs)) {}

  std::shared_ptr<arrow::DataType> type_;
  Grouper pairs_;  ///< of (group, value)
  SeenCodes seen_;
  std::vector<std::int64_t> counts_;
};

}  // namespace troupe
