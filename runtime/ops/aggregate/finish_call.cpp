// From accumulators to the results of aggregate calls, rounded once.
#include "runtime/data/arrow_result.hpp"
#include "runtime/ops/aggregate/distinct_accumulator.hpp"
#include "runtime/ops/aggregate/group_states.hpp"
#include "runtime/ops/aggregate/list_accumulator.hpp"

#include <arrow/array.h>
#include <arrow/array/builder_binary.h>
#include <arrow/array/builder_decimal.h>
#include <arrow/array/builder_primitive.h>
#include <arrow/type.h>
#include <arrow/util/decimal.h>

#include <cmath>
#include <limits>

namespace troupe {

namespace {

using Parts = std::vector<const Accumulator*>;
using ArrayResult = Result<std::shared_ptr<arrow::Array>>;

const ExactNumber exact(const Accumulator* part, std::uint32_t group) {
  return static_cast<const SumAccumulator*>(part)->sum(group);
}
std::int64_t count(const Accumulator* part, std::uint32_t group) {
  return static_cast<const CountAccumulator*>(part)->count(group);
}

Error out_of_range(const AggregateCall& call, const char* function) {
  return make_error(ErrorCode::invalid_argument, "{}({}) does not fit into {}", function,
                    call.argument->text(), call.type->ToString());
}

/// One value a group from value(group), which is not asked where the last part counts no rows.
template <class Builder, class Value>
ArrayResult build(Builder builder, const Parts& parts, std::uint32_t begin, std::uint32_t end,
                  std::int64_t rows_min, Value value) {
  TRY(arrow_try(builder.Reserve(end - begin)));
  for (std::uint32_t group = begin; group < end; ++group) {
    if (count(parts.back(), group) < rows_min) {
      builder.UnsafeAppendNull();
    } else {
      builder.UnsafeAppend(TRY(value(group)));
    }
  }
  return arrow_try(builder.Finish());
}

ArrayResult counts(const CountAccumulator& part, std::uint32_t begin, std::uint32_t end) {
  arrow::Int64Builder builder;
  TRY(arrow_try(builder.Reserve(end - begin)));
  for (std::uint32_t group = begin; group < end; ++group) builder.UnsafeAppend(part.count(group));
  return arrow_try(builder.Finish());
}

const DistinctAccumulator& distinct(const Accumulator* part) {
  return static_cast<const DistinctAccumulator&>(*part);
}

/// The parts of a call on different values: as those of all values, kept in one accumulator.
Parts parts_of_distinct(const AggregateCall& call, const DistinctAccumulator& values) {
  const bool squares =
      call.function != AggregateFunction::sum && call.function != AggregateFunction::avg;
  if (squares) return {values.sum(), values.squares(), &values.counts()};
  return {values.sum(), &values.counts()};
}

std::optional<__int128> small(const Accumulator* part, std::uint32_t group) {
  return static_cast<const SumAccumulator*>(part)->small_sum(group);
}

Result<std::int64_t> to_int64(const Accumulator* part, std::uint32_t group,
                              const AggregateCall& call) {
  if (const auto total = small(part, group)) {
    if (static_cast<std::int64_t>(*total) == *total) return static_cast<std::int64_t>(*total);
    return out_of_range(call, "sum");
  }
  const ExactNumber sum = exact(part, group);
  if (sum.is_zero()) return 0;
  const std::uint64_t magnitude = sum.limbs.front();
  const std::uint64_t most = std::numeric_limits<std::int64_t>::max();
  if (sum.limbs.size() > 1 || sum.low != 0 || magnitude > most + (sum.negative ? 1 : 0)) {
    return out_of_range(call, "sum");
  }
  return static_cast<std::int64_t>(sum.negative ? -magnitude : magnitude);
}

Result<double> in_range(double value, const ExactNumber& sum, const AggregateCall& call,
                        const char* function) {
  if (std::isinf(value) && sum.finite()) return out_of_range(call, function);
  return value;
}

/// 256 bits hold a sum of decimals (below 2^191) times ten to the sixth.
arrow::Decimal256 to_decimal256(const ExactNumber& sum) {
  std::array<std::uint64_t, 4> limbs{};
  std::copy(sum.limbs.begin(), sum.limbs.end(), limbs.begin() + sum.low);
  arrow::Decimal256 value(arrow::BasicDecimal256(arrow::bit_util::little_endian::ToNative(limbs)));
  return sum.negative ? -value : value;
}

constexpr std::int32_t digits_max = 38;

Result<arrow::Decimal128> to_decimal128(const arrow::Decimal256& value, const AggregateCall& call,
                                        const char* function) {
  if (!value.FitsInPrecision(digits_max)) return out_of_range(call, function);
  const auto& limbs = value.little_endian_array();
  return arrow::Decimal128(static_cast<std::int64_t>(limbs[1]), limbs[0]);
}

/// The quotient, rounded half away from zero as PostgreSQL's numeric does.
arrow::Decimal256 divide(const arrow::Decimal256& value, std::int64_t rows) {
  const arrow::Decimal256 divisor(rows);
  arrow::Decimal256 quotient(value / divisor);
  const arrow::Decimal256 rest(value % divisor);
  const arrow::Decimal256 twice = arrow::Decimal256::Abs(rest) * arrow::Decimal256(2);
  if (twice >= divisor) quotient += value.IsNegative() ? -1 : 1;
  return quotient;
}

arrow::Decimal128 decimal_of(__int128 value) {
  return arrow::Decimal128(static_cast<std::int64_t>(value >> 64),
                           static_cast<std::uint64_t>(value));
}

/// Totals below this have 38 digits with six more behind them.
constexpr auto small_factor = static_cast<__int128>(1'000'000);
constexpr auto small_max = static_cast<__int128>(1'000'000'000'000'000'000) * 1'000'000'000'000;
/// The first number of 39 digits.
constexpr auto decimal_end = small_max * 100'000'000;

__int128 divide(__int128 value, std::int64_t rows) {
  const __int128 quotient = value / rows, rest = value % rows;
  const bool up = (rest < 0 ? -rest : rest) * 2 >= rows;
  return up ? quotient + (value < 0 ? -1 : 1) : quotient;
}

Result<arrow::Decimal128> decimal_sum(const Accumulator* part, std::uint32_t group,
                                      const AggregateCall& call) {
  if (const auto total = small(part, group)) {
    if (*total <= -decimal_end || *total >= decimal_end) return out_of_range(call, "sum");
    return decimal_of(*total);
  }
  return to_decimal128(to_decimal256(exact(part, group)), call, "sum");
}

ArrayResult finish_sum(const AggregateCall& call, const Parts& parts, std::uint32_t begin,
                       std::uint32_t end) {
  if (call.type->id() == arrow::Type::INT64) {
    return build(arrow::Int64Builder(), parts, begin, end, 1,
                 [&](std::uint32_t group) { return to_int64(parts[0], group, call); });
  }
  if (call.type->id() == arrow::Type::DECIMAL128) {
    return build(arrow::Decimal128Builder(call.type), parts, begin, end, 1,
                 [&](std::uint32_t group) { return decimal_sum(parts[0], group, call); });
  }
  return build(arrow::DoubleBuilder(), parts, begin, end, 1, [&](std::uint32_t group) {
    const ExactNumber sum = exact(parts[0], group);
    return in_range(to_double(sum), sum, call, "sum");
  });
}

ArrayResult finish_avg(const AggregateCall& call, const Parts& parts, std::uint32_t begin,
                       std::uint32_t end) {
  if (call.type->id() == arrow::Type::DECIMAL128) {
    static const arrow::Decimal256 more_digits(1'000'000);
    return build(arrow::Decimal128Builder(call.type), parts, begin, end, 1,
                 [&](std::uint32_t group) -> Result<arrow::Decimal128> {
                   const std::int64_t rows = count(parts[1], group);
                   const auto total = small(parts[0], group);
                   if (total && *total<small_max&& * total> - small_max) {
                     return decimal_of(divide(*total * small_factor, rows));
                   }
                   const auto sum = to_decimal256(exact(parts[0], group)) * more_digits;
                   return to_decimal128(divide(sum, rows), call, "avg");
                 });
  }
  return build(arrow::DoubleBuilder(), parts, begin, end, 1, [&](std::uint32_t group) {
    const ExactNumber sum = exact(parts[0], group);
    const auto rows = static_cast<double>(count(parts[1], group));
    return in_range(to_double(sum) / rows, sum, call, "avg");
  });
}

/// (n * sum of squares - square of sum) / (n * (n - 1)), or / (n * n) of a whole population; its
/// root if that is wanted. The difference is where digits are lost in floating point; here it is
/// exact.
double spread_of(const ExactNumber& sum, const ExactNumber& squares, std::int64_t rows, bool sample,
                 bool root) {
  if (!sum.finite()) return std::numeric_limits<double>::quiet_NaN();
  const auto n = static_cast<std::uint64_t>(rows);
  const ExactNumber difference =
      subtract(multiply(squares, ExactNumber::of(false, 0, std::span(&n, 1))), multiply(sum, sum));
  if (difference.is_zero()) return 0;
  // Moved near 1 by a power of two and back, so that neither end of the doubles is left.
  const int shift = -(difference.low + static_cast<int>(difference.limbs.size()));
  ExactNumber moved = difference;
  moved.low += shift;
  const double pairs = static_cast<double>(rows) * static_cast<double>(sample ? rows - 1 : rows);
  const double variance = to_double(moved) / pairs;
  return root ? std::ldexp(std::sqrt(variance), -32 * shift) : std::ldexp(variance, -64 * shift);
}

ArrayResult finish_spread(const AggregateCall& call, const Parts& parts, std::uint32_t begin,
                          std::uint32_t end) {
  const bool sample =
      call.function == AggregateFunction::stddev || call.function == AggregateFunction::var_samp;
  const bool root =
      call.function == AggregateFunction::stddev || call.function == AggregateFunction::stddev_pop;
  return build(arrow::DoubleBuilder(), parts, begin, end, sample ? 2 : 1, [&](std::uint32_t group) {
    const ExactNumber sum = exact(parts[0], group);
    const double value =
        spread_of(sum, exact(parts[1], group), count(parts[2], group), sample, root);
    return in_range(value, sum, call, root ? "stddev" : "variance");
  });
}

/// Between the two values next to the fraction, in proportion, as PostgreSQL's percentile_cont.
double percentile(const NumberList& list, std::uint32_t group, double fraction, bool descending) {
  const std::uint32_t last = list.count(group) - 1;
  const auto at = [&](double i) {
    const auto place = static_cast<std::uint32_t>(i);
    return list.value(group, descending ? last - place : place);
  };
  const double place = fraction * static_cast<double>(last);
  const double low = at(std::floor(place)), high = at(std::ceil(place));
  return low == high ? low : low + (place - std::floor(place)) * (high - low);
}

ArrayResult finish_percentile(const AggregateCall& call, const Accumulator* part,
                              std::uint32_t begin, std::uint32_t end) {
  const auto& list = static_cast<const NumberList&>(*part);
  arrow::DoubleBuilder builder;
  for (std::uint32_t group = begin; group < end; ++group) {
    TRY(arrow_try(list.count(group) == 0
                      ? builder.AppendNull()
                      : builder.Append(percentile(list, group, call.fraction, call.descending))));
  }
  return arrow_try(builder.Finish());
}

std::string joined(const TextList& list, std::uint32_t group, const AggregateCall& call) {
  const std::uint32_t count = list.count(group);
  const auto at = [&](std::uint32_t i) {
    return list.value(group, call.descending ? count - 1 - i : i);
  };
  std::string text(at(0));
  for (std::uint32_t i = 1; i < count; ++i) {
    if (call.distinct && at(i) == at(i - 1)) continue;
    text.append(call.separator).append(at(i));
  }
  return text;
}

ArrayResult finish_joined(const AggregateCall& call, const Accumulator* part, std::uint32_t begin,
                          std::uint32_t end) {
  const auto& list = static_cast<const TextList&>(*part);
  arrow::StringBuilder builder;
  for (std::uint32_t group = begin; group < end; ++group) {
    TRY(arrow_try(list.count(group) == 0 ? builder.AppendNull()
                                         : builder.Append(joined(list, group, call))));
  }
  return arrow_try(builder.Finish());
}

}  // namespace

ArrayResult finish_call(const AggregateCall& call, const Parts& parts, std::uint32_t begin,
                        std::uint32_t end) {
  if (call.distinct && call.function != AggregateFunction::text_joined) {
    AggregateCall of_values = call;
    of_values.distinct = false;
    return finish_call(of_values, parts_of_distinct(call, distinct(parts[0])), begin, end);
  }
  switch (call.function) {
    case AggregateFunction::count_rows:
    case AggregateFunction::count:
      return counts(static_cast<const CountAccumulator&>(*parts[0]), begin, end);
    case AggregateFunction::count_distinct:
      return counts(distinct(parts[0]).counts(), begin, end);
    case AggregateFunction::percentile:
      return finish_percentile(call, parts[0], begin, end);
    case AggregateFunction::text_joined:
      return finish_joined(call, parts[0], begin, end);
    case AggregateFunction::min:
    case AggregateFunction::max:
      return parts[0]->states(begin, end);
    case AggregateFunction::sum:
      return finish_sum(call, parts, begin, end);
    case AggregateFunction::avg:
      return finish_avg(call, parts, begin, end);
    case AggregateFunction::stddev:
    case AggregateFunction::stddev_pop:
    case AggregateFunction::var_samp:
    case AggregateFunction::var_pop:
      return finish_spread(call, parts, begin, end);
  }
  return make_error(ErrorCode::internal, "an aggregate of no known function");
}

}  // namespace troupe
