#include "runtime/ops/aggregate/list_accumulator.hpp"

#include "runtime/data/arrow_result.hpp"
#include "runtime/data/take.hpp"
#include "runtime/ops/aggregate/row_loop.hpp"

#include <arrow/array/builder_binary.h>
#include <arrow/array/builder_primitive.h>

#include <limits>

namespace troupe {

namespace {

constexpr std::size_t pairs_max = std::numeric_limits<std::uint32_t>::max();

/// Calls use(array) with the array as what it is.
template <class Values, class Use>
Result<> with_values(const arrow::Array& array, Use use) {
  if constexpr (std::is_same_v<Values, NumberValues>) {
    if (array.type_id() == arrow::Type::DOUBLE) {
      use(static_cast<const arrow::DoubleArray&>(array));
      return {};
    }
  } else {
    switch (array.type_id()) {
      case arrow::Type::STRING:
        use(static_cast<const arrow::StringArray&>(array));
        return {};
      case arrow::Type::LARGE_STRING:
        use(static_cast<const arrow::LargeStringArray&>(array));
        return {};
      case arrow::Type::STRING_VIEW:
        use(static_cast<const arrow::StringViewArray&>(array));
        return {};
      default:
        break;
    }
  }
  return make_error(ErrorCode::corrupt, "a list of values does not hold any of type {}",
                    array.type()->ToString());
}

template <class Values>
using BuilderOf = std::conditional_t<std::is_same_v<Values, NumberValues>, arrow::DoubleBuilder,
                                     arrow::StringBuilder>;

}  // namespace

template <class Values>
Result<> ListAccumulator<Values>::update(const RowGroups& groups, const Argument& argument) {
  const auto decoded = TRY(plain(argument.values));
  if (groups_.size() + static_cast<std::size_t>(groups.rows) > pairs_max) {
    return make_error(ErrorCode::unsupported, "a percentile or joined text of more than {} values",
                      pairs_max);
  }
  order_.forget();
  return with_values<Values>(*decoded, [&](const auto& values) {
    each_counted(argument, groups.rows, [&](std::int64_t i) {
      groups_.push_back(groups[i]);
      values_.add(values.GetView(i));
    });
  });
}

template <class Values>
Result<PairAccumulator::Pairs> ListAccumulator<Values>::pairs(std::uint32_t begin,
                                                              std::uint32_t end) const {
  BuilderOf<Values> builder;
  for (std::uint32_t i = begin; i < end; ++i) TRY(arrow_try(builder.Append(values_[i])));
  auto values = TRY(arrow_try(builder.Finish()));
  return Pairs{{groups_.begin() + begin, groups_.begin() + end}, std::move(values)};
}

template <class Values>
std::int64_t ListAccumulator<Values>::bytes() const {
  return static_cast<std::int64_t>(groups_.capacity() * sizeof(std::uint32_t)) + values_.bytes() +
         OrderOfPairs::bytes(groups_.size(), group_count_);
}

template class ListAccumulator<NumberValues>;
template class ListAccumulator<TextValues>;

Result<std::unique_ptr<Accumulator>> make_list(const std::shared_ptr<arrow::DataType>& type) {
  switch (type->id()) {
    case arrow::Type::DOUBLE:
      return std::make_unique<NumberList>(arrow::float64());
    case arrow::Type::STRING:
    case arrow::Type::LARGE_STRING:
    case arrow::Type::STRING_VIEW:
      return std::make_unique<TextList>(arrow::utf8());
    default:
      return make_error(ErrorCode::unsupported, "no list of values of type {}", type->ToString());
  }
}

}  // namespace troupe
