#include "runtime/ops/grouping/distinct_accumulator.hpp"

#include "runtime/data/arrow_result.hpp"
#include "runtime/data/take.hpp"
#include "runtime/ops/grouping/row_loop.hpp"

#include <arrow/array.h>
#include <arrow/array/util.h>

#include <numeric>

namespace troupe {

Result<std::unique_ptr<DistinctAccumulator>> DistinctAccumulator::make(
    const std::shared_ptr<arrow::DataType>& type) {
  Grouper pairs = TRY(Grouper::make({arrow::uint32(), type}));
  return std::unique_ptr<DistinctAccumulator>(new DistinctAccumulator(type, std::move(pairs)));
}

Result<> DistinctAccumulator::update(const RowGroups& groups, const Argument& argument) {
  std::vector<std::uint32_t> rows;
  rows.reserve(groups.rows);
  each_counted(argument, groups.rows,
               [&](std::int64_t i) { rows.push_back(static_cast<std::uint32_t>(i)); });
  const bool all = static_cast<std::int64_t>(rows.size()) == groups.rows;
  const auto values = all ? argument.values : TRY(take(*argument.values, rows));
  std::vector<std::uint32_t> groups_of_values(rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i) groups_of_values[i] = groups[rows[i]];
  const auto group_column =
      std::make_shared<arrow::UInt32Array>(values->length(), arrow::Buffer::Wrap(groups_of_values));
  std::uint32_t known = pairs_.size();
  std::vector<std::uint32_t> pairs;
  TRY(pairs_.assign({group_column, values}, values->length(), pairs));
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    if (pairs[i] < known) continue;
    ++known;  // pairs are numbered as they are first seen
    ++counts_[groups_of_values[i]];
  }
  return {};
}

Result<std::shared_ptr<arrow::Array>> DistinctAccumulator::states(std::uint32_t begin,
                                                                  std::uint32_t end) const {
  return arrow_try(arrow::MakeArrayOfNull(type_, end - begin));
}

Result<> DistinctAccumulator::merge(const RowGroups& groups, const arrow::Array& states) {
  Argument argument{arrow::MakeArray(states.data())};
  if (states.null_count() > 0) {
    argument.valid = states.null_bitmap();
    argument.valid_offset = states.offset();
  }
  return update(groups, argument);
}

std::int64_t DistinctAccumulator::bytes() const {
  return pairs_.bytes() + static_cast<std::int64_t>(counts_.capacity() * sizeof(std::int64_t));
}

Result<DistinctAccumulator::Pairs> DistinctAccumulator::pairs(std::uint32_t begin,
                                                              std::uint32_t end) const {
  std::vector<std::uint32_t> ids(end - begin);
  std::iota(ids.begin(), ids.end(), begin);
  const auto columns = TRY(pairs_.keys(ids));
  const auto& groups = static_cast<const arrow::UInt32Array&>(*columns[0]);
  return Pairs{{groups.raw_values(), groups.raw_values() + groups.length()}, columns[1]};
}

}  // namespace troupe
