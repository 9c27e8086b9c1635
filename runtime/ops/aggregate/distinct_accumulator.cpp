#include "runtime/ops/aggregate/distinct_accumulator.hpp"

#include "runtime/data/arrow_result.hpp"
#include "runtime/data/take.hpp"
#include "runtime/ops/aggregate/key_column.hpp"
#include "runtime/ops/aggregate/row_loop.hpp"

#include <arrow/array.h>
#include <arrow/type_traits.h>

#include <bit>
#include <numeric>

namespace troupe {

namespace {
/// The most pairs of group and code that are remembered: 1 MiB of them.
constexpr std::size_t cells_max = 1 << 20;
}  // namespace

Result<std::unique_ptr<DistinctAccumulator>> DistinctAccumulator::make(
    const std::shared_ptr<arrow::DataType>& type, bool sums) {
  Grouper pairs = TRY(Grouper::make({arrow::uint32(), type}));
  auto made = std::unique_ptr<DistinctAccumulator>(new DistinctAccumulator(type, std::move(pairs)));
  if (!sums) return made;
  if (arrow::is_integer(type->id())) {
    made->sum_ = make_integer_sum();
    made->squares_ = make_integer_squares();
  } else if (type->id() == arrow::Type::DECIMAL128) {
    made->sum_ = make_decimal_sum();
  } else {
    made->sum_ = make_float_sum();
    made->squares_ = make_float_squares();
  }
  return made;
}

void DistinctAccumulator::resize(std::size_t groups) {
  groups_ = groups;
  counts_.resize(groups);
  if (sum_) sum_->resize(groups);
  if (squares_) squares_->resize(groups);
}

bool DistinctAccumulator::SeenCodes::bind(const arrow::Array& values, std::size_t groups) {
  if (values.type_id() != arrow::Type::DICTIONARY) return false;
  const auto& coded = static_cast<const arrow::DictionaryArray&>(values);
  if (coded.indices()->type_id() != arrow::Type::INT32) return false;
  const std::shared_ptr<arrow::ArrayData>& dictionary = values.data()->dictionary;
  const std::size_t cells = std::bit_ceil(groups) * static_cast<std::size_t>(dictionary->length);
  if (cells > cells_max) return false;
  if (!dictionary_ || cells > seen_.size() || !same_buffers(*dictionary_, *dictionary)) {
    dictionary_ = dictionary;
    codes_ = static_cast<std::size_t>(dictionary->length);
    seen_.assign(cells, 0);
  }
  indices_ = static_cast<const arrow::Int32Array&>(*coded.indices()).raw_values();
  return true;
}

/// Rows that count, but for those that surely bring nothing new.
std::vector<std::uint32_t> DistinctAccumulator::rows_to_look_at(const RowGroups& groups,
                                                                const Argument& argument) {
  std::vector<std::uint32_t> rows;
  const bool coded = seen_.bind(*argument.values, groups_);
  each_counted(argument, groups.rows, [&](std::int64_t i) {
    if (!coded || !seen_.test_and_set(groups[i], i)) rows.push_back(static_cast<std::uint32_t>(i));
  });
  return rows;
}

Result<> DistinctAccumulator::update(const RowGroups& groups, const Argument& argument) {
  const std::vector<std::uint32_t> rows = rows_to_look_at(groups, argument);
  if (rows.empty()) return {};
  const bool all = static_cast<std::int64_t>(rows.size()) == groups.rows;
  const auto values = all ? argument.values : TRY(take(*argument.values, rows));
  std::vector<std::uint32_t> groups_of_values(rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i) groups_of_values[i] = groups[rows[i]];
  const auto group_column =
      std::make_shared<arrow::UInt32Array>(values->length(), arrow::Buffer::Wrap(groups_of_values));
  std::uint32_t known = pairs_.size();
  std::vector<std::uint32_t> pairs;
  TRY(pairs_.assign({group_column, values}, values->length(), pairs));
  std::vector<std::uint32_t> fresh, fresh_groups;
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    if (pairs[i] < known) continue;
    ++known;  // pairs are numbered as they are first seen
    fresh.push_back(static_cast<std::uint32_t>(i));
    fresh_groups.push_back(groups_of_values[i]);
  }
  return pass_on(values, fresh_groups, fresh);
}

/// Counts the values at `rows`, and adds them to the sums there are.
Result<> DistinctAccumulator::pass_on(const std::shared_ptr<arrow::Array>& values,
                                      const std::vector<std::uint32_t>& groups,
                                      const std::vector<std::uint32_t>& rows) {
  const RowGroups to{groups.data(), static_cast<std::int64_t>(rows.size())};
  TRY(counts_.update(to, Argument{nullptr}));
  if (!sum_ || rows.empty()) return {};
  const Argument argument{TRY(plain(TRY(take(*values, rows))))};
  TRY(sum_->update(to, argument));
  return squares_ ? squares_->update(to, argument) : Result<>();
}

std::int64_t DistinctAccumulator::bytes() const {
  return pairs_.bytes() + seen_.bytes() + counts_.bytes() + (sum_ ? sum_->bytes() : 0) +
         (squares_ ? squares_->bytes() : 0);
}

Result<PairAccumulator::Pairs> DistinctAccumulator::pairs(std::uint32_t begin,
                                                          std::uint32_t end) const {
  std::vector<std::uint32_t> ids(end - begin);
  std::iota(ids.begin(), ids.end(), begin);
  const auto columns = TRY(pairs_.keys(ids));
  const auto& groups = static_cast<const arrow::UInt32Array&>(*columns[0]);
  return Pairs{{groups.raw_values(), groups.raw_values() + groups.length()}, columns[1]};
}

}  // namespace troupe
