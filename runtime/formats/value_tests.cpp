#include "runtime/formats/value_tests.hpp"

#include "runtime/formats/scalar_order.hpp"

#include <arrow/scalar.h>
#include <arrow/type.h>
#include <arrow/util/decimal.h>

#include <algorithm>
#include <limits>
#include <map>
#include <optional>

namespace troupe {
namespace {

using ScalarPtr = std::shared_ptr<arrow::Scalar>;
using TypePtr = std::shared_ptr<arrow::DataType>;
using Wide = __int128;

/// Numbers from `low` to `high`.
class NumbersBetween final : public ValueTest {
 public:
  NumbersBetween(std::int64_t low, std::int64_t high)
      : low_(low), reach_(static_cast<std::uint64_t>(high) - static_cast<std::uint64_t>(low)) {}

  void narrow(std::span<const std::int64_t> values, std::uint8_t* keep) const override {
    for (std::size_t i = 0; i < values.size(); ++i) {
      const std::uint64_t distance =
          static_cast<std::uint64_t>(values[i]) - static_cast<std::uint64_t>(low_);
      keep[i] &= distance <= reach_ ? 1 : 0;
    }
  }

 private:
  const std::int64_t low_;
  const std::uint64_t reach_;
};

class NoValue final : public ValueTest {
 public:
  void narrow(std::span<const std::int64_t> values, std::uint8_t* keep) const override {
    std::fill_n(keep, values.size(), std::uint8_t{0});
  }
};

/// Texts that compare with a literal, by their bytes.
class TextsCompared final : public ValueTest {
 public:
  TextsCompared(Comparison comparison, std::string literal)
      : comparison_(comparison), literal_(std::move(literal)) {}

  void narrow(std::span<const std::string_view> values, std::uint8_t* keep) const override {
    for (std::size_t i = 0; i < values.size(); ++i) keep[i] &= holds(values[i]) ? 1 : 0;
  }

 private:
  bool holds(std::string_view value) const {
    switch (comparison_) {
      case Comparison::equal:
        return value == literal_;
      case Comparison::not_equal:
        return value != literal_;
      case Comparison::less:
        return value < literal_;
      case Comparison::less_equal:
        return value <= literal_;
      case Comparison::greater:
        return value > literal_;
      case Comparison::greater_equal:
        return value >= literal_;
    }
    return true;
  }

  const Comparison comparison_;
  const std::string literal_;
};

/// A stored number as a value of its type; null where the type has none to compare.
ScalarPtr scalar_of(const TypePtr& type, std::int64_t number) {
  switch (type->id()) {
    case arrow::Type::INT8:
      return std::make_shared<arrow::Int8Scalar>(static_cast<std::int8_t>(number));
    case arrow::Type::INT16:
      return std::make_shared<arrow::Int16Scalar>(static_cast<std::int16_t>(number));
    case arrow::Type::INT32:
      return std::make_shared<arrow::Int32Scalar>(static_cast<std::int32_t>(number));
    case arrow::Type::INT64:
      return std::make_shared<arrow::Int64Scalar>(number);
    case arrow::Type::DATE32:
      return std::make_shared<arrow::Date32Scalar>(static_cast<std::int32_t>(number));
    case arrow::Type::TIMESTAMP:
      return std::make_shared<arrow::TimestampScalar>(number, type);
    case arrow::Type::DECIMAL128:
      return std::make_shared<arrow::Decimal128Scalar>(arrow::Decimal128(number), type);
    default:
      return nullptr;
  }
}

struct Range {
  Wide low;
  Wide high;
};

Range all_of(const arrow::DataType& type) {
  const auto of = []<class T>(T) {
    return Range{std::numeric_limits<T>::min(), std::numeric_limits<T>::max()};
  };
  switch (type.id()) {
    case arrow::Type::INT8:
      return of(std::int8_t());
    case arrow::Type::INT16:
      return of(std::int16_t());
    case arrow::Type::INT32:
    case arrow::Type::DATE32:
      return of(std::int32_t());
    default:
      return of(std::int64_t());
  }
}

/// The least number of the range for which `from` holds, which holds for all after it; one beyond
/// the range where there is none.
template <class From>
Wide least(Range range, From&& from) {
  Wide beyond = range.high + 1;
  while (range.low < beyond) {
    const Wide middle = range.low + (beyond - range.low) / 2;
    if (from(static_cast<std::int64_t>(middle))) {
      beyond = middle;
    } else {
      range.low = middle + 1;
    }
  }
  return beyond;
}

/// The numbers that satisfy a bound; none where that cannot be told. They are found by comparing,
/// so that literals of other types and scales mean here what they mean elsewhere.
std::optional<Range> satisfying(const TypePtr& type, const ColumnBound& bound) {
  const Range all = all_of(*type);
  bool told = true;
  const auto order = [&](std::int64_t number) {
    const auto found = scalar_order(*scalar_of(type, number), *bound.literal);
    told = told && found;
    return found.value_or(0);
  };
  const Wide equal = least(all, [&](std::int64_t number) { return order(number) >= 0; });
  const Wide above = least(all, [&](std::int64_t number) { return order(number) > 0; });
  if (!told) return std::nullopt;
  switch (bound.comparison) {
    case Comparison::equal:
      return Range{equal, above - 1};
    case Comparison::less:
      return Range{all.low, equal - 1};
    case Comparison::less_equal:
      return Range{all.low, above - 1};
    case Comparison::greater:
      return Range{above, all.high};
    case Comparison::greater_equal:
      return Range{equal, all.high};
    case Comparison::not_equal:
      return std::nullopt;
  }
  return std::nullopt;
}

std::shared_ptr<const ValueTest> test_of(Range range) {
  if (range.low > range.high) return std::make_shared<NoValue>();
  return std::make_shared<NumbersBetween>(static_cast<std::int64_t>(range.low),
                                          static_cast<std::int64_t>(range.high));
}

std::shared_ptr<const ValueTest> text_test_of(const ColumnBound& bound) {
  if (!arrow::is_base_binary_like(bound.literal->type->id())) return nullptr;
  const auto& literal = static_cast<const arrow::BaseBinaryScalar&>(*bound.literal);
  return std::make_shared<TextsCompared>(bound.comparison, std::string(literal.view()));
}

}  // namespace

ColumnTests tests_of(const std::vector<ColumnBound>& bounds, const arrow::Schema& schema) {
  ColumnTests tests;
  std::map<int, Range> ranges;  // all bounds of a column are one question
  for (const ColumnBound& bound : bounds) {
    if (bound.literal == nullptr || !bound.literal->is_valid) continue;
    const auto& field = *schema.field(bound.column);
    if (field.type()->id() == arrow::Type::STRING) {
      if (auto test = text_test_of(bound)) tests.push_back({field.name(), std::move(test)});
    } else if (scalar_of(field.type(), 0) != nullptr) {
      const auto range = satisfying(field.type(), bound);
      if (!range) continue;
      Range& all = ranges.emplace(bound.column, *range).first->second;
      all = {std::max(all.low, range->low), std::min(all.high, range->high)};
    }
  }
  for (const auto& [column, range] : ranges) {
    tests.push_back({schema.field(column)->name(), test_of(range)});
  }
  return tests;
}

}  // namespace troupe
