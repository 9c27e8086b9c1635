#pragma once

#include "runtime/ops/grouping/accumulator.hpp"
#include "runtime/ops/grouping/grouper.hpp"

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
  DistinctAccumulator(std::shared_ptr<arrow::DataType> type, Grouper pairs)
      : type_(std::move(type)), pairs_(std::move(pairs)) {}

  std::shared_ptr<arrow::DataType> type_;
  Grouper pairs_;  ///< of (group, value)
  std::vector<std::int64_t> counts_;
};

}  // namespace troupe
