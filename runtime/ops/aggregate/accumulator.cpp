#include "runtime/ops/aggregate/accumulator.hpp"

#include "runtime/data/arrow_result.hpp"
#include "runtime/ops/aggregate/distinct_accumulator.hpp"
#include "runtime/ops/aggregate/list_accumulator.hpp"
#include "runtime/ops/aggregate/row_loop.hpp"

#include <arrow/array/builder_binary.h>
#include <arrow/array/util.h>

namespace troupe {

const char* to_string(AccumulatorKind kind) {
  switch (kind) {
    case AccumulatorKind::count:
      return "count";
    case AccumulatorKind::integer_sum:
    case AccumulatorKind::decimal_sum:
    case AccumulatorKind::float_sum:
      return "sum";
    case AccumulatorKind::integer_squares:
    case AccumulatorKind::float_squares:
      return "squares";
    case AccumulatorKind::min:
      return "min";
    case AccumulatorKind::max:
      return "max";
    case AccumulatorKind::distinct:
    case AccumulatorKind::distinct_sums:
      return "distinct";
    case AccumulatorKind::list:
      return "values";
  }
  return "count";
}

bool is_of_pairs(AccumulatorKind kind) {
  return kind == AccumulatorKind::distinct || kind == AccumulatorKind::distinct_sums ||
         kind == AccumulatorKind::list;
}

bool takes_back(AccumulatorKind kind) {
  return !is_of_pairs(kind) && kind != AccumulatorKind::min && kind != AccumulatorKind::max;
}

Result<> Accumulator::take_back(const RowGroups&, const arrow::Array&) {
  return make_error(ErrorCode::unsupported, "what looks at values takes no rows back");
}

Result<std::unique_ptr<Accumulator>> Accumulator::make(
    AccumulatorKind kind, const std::shared_ptr<arrow::DataType>& argument) {
  switch (kind) {
    case AccumulatorKind::count:
      return std::make_unique<CountAccumulator>();
    case AccumulatorKind::integer_sum:
      return make_integer_sum();
    case AccumulatorKind::integer_squares:
      return make_integer_squares();
    case AccumulatorKind::decimal_sum:
      return make_decimal_sum();
    case AccumulatorKind::float_sum:
      return make_float_sum();
    case AccumulatorKind::float_squares:
      return make_float_squares();
    case AccumulatorKind::min:
    case AccumulatorKind::max:
      return make_extreme(kind == AccumulatorKind::max, argument);
    case AccumulatorKind::distinct:
    case AccumulatorKind::distinct_sums:
      return TRY(DistinctAccumulator::make(argument, kind == AccumulatorKind::distinct_sums));
    case AccumulatorKind::list:
      return make_list(argument);
  }
  return make_error(ErrorCode::internal, "no accumulator of kind {}", static_cast<int>(kind));
}

Result<> CountAccumulator::update(const RowGroups& groups, const Argument& argument) {
  if (!groups.ids) {
    std::int64_t count = 0;
    each_counted(argument, groups.rows, [&](std::int64_t) { ++count; });
    counts_[0] += count;
    return {};
  }
  if (groups.sizes && !argument.valid) {
    for (std::size_t group = 0; group < counts_.size(); ++group) {
      counts_[group] += groups.sizes[group];
    }
    return {};
  }
  std::int64_t* counts = counts_.data();
  const std::uint32_t* ids = groups.ids;
  each_counted(argument, groups.rows, [=](std::int64_t i) { ++counts[ids[i]]; });
  return {};
}

std::shared_ptr<arrow::DataType> CountAccumulator::state_type() const { return arrow::int64(); }

Result<std::shared_ptr<arrow::Array>> CountAccumulator::states(std::uint32_t begin,
                                                               std::uint32_t end) const {
  auto values = arrow::Buffer::FromVector(
      std::vector<std::int64_t>(counts_.begin() + begin, counts_.begin() + end));
  return std::make_shared<arrow::Int64Array>(end - begin, std::move(values));
}

Result<> CountAccumulator::merge(const RowGroups& groups, const arrow::Array& states) {
  const auto* counts = static_cast<const arrow::Int64Array&>(states).raw_values();
  each_not_null(states, [&](std::int64_t i) { counts_[groups[i]] += counts[i]; });
  return {};
}

Result<> CountAccumulator::take_back(const RowGroups& groups, const arrow::Array& states) {
  const auto* counts = static_cast<const arrow::Int64Array&>(states).raw_values();
  each_not_null(states, [&](std::int64_t i) { counts_[groups[i]] -= counts[i]; });
  return {};
}

Result<std::shared_ptr<arrow::Array>> PairAccumulator::states(std::uint32_t begin,
                                                              std::uint32_t end) const {
  return arrow_try(arrow::MakeArrayOfNull(type_, end - begin));
}

Result<> PairAccumulator::merge(const RowGroups& groups, const arrow::Array& states) {
  Argument argument{arrow::MakeArray(states.data())};
  if (states.null_count() > 0) {
    argument.valid = states.null_bitmap();
    argument.valid_offset = states.offset();
  }
  return update(groups, argument);
}

std::shared_ptr<arrow::DataType> SumAccumulator::state_type() const { return arrow::binary(); }

Result<std::shared_ptr<arrow::Array>> SumAccumulator::states(std::uint32_t begin,
                                                             std::uint32_t end) const {
  arrow::BinaryBuilder builder;
  for (std::uint32_t group = begin; group < end; ++group) {
    TRY(arrow_try(builder.Append(sum(group).encode())));
  }
  return arrow_try(builder.Finish());
}

}  // namespace troupe
