// Accumulators give the same bits for the same rows, however they are ordered, cut and merged; and
// those bits are right: exact sums are compared with integer arithmetic and with sums that cancel.
#include "runtime/ops/aggregate/accumulator.hpp"

#include "tests/support/catch.hpp"
#include "tests/support/rows.hpp"

#include <arrow/array.h>
#include <arrow/array/builder_binary.h>
#include <arrow/array/builder_decimal.h>
#include <arrow/array/builder_primitive.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <arrow/util/decimal.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <numeric>
#include <random>

using namespace troupe;

namespace {

using Doubles = std::vector<double>;

std::shared_ptr<arrow::Array> array_of(const Doubles& values) {
  arrow::DoubleBuilder builder;
  REQUIRE(builder.AppendValues(values).ok());
  return builder.Finish().ValueOrDie();
}

std::unique_ptr<SumAccumulator> added(std::unique_ptr<SumAccumulator> sums, const Doubles& values) {
  sums->resize(1);
  const RowGroups groups{nullptr, static_cast<std::int64_t>(values.size())};
  REQUIRE(sums->update(groups, {array_of(values)}));
  return sums;
}

double sum_of(const Doubles& values) { return to_double(added(make_float_sum(), values)->sum(0)); }

std::uint64_t bits(double value) { return std::bit_cast<std::uint64_t>(value); }

/// Doubles of all exponents in [low, high], of either sign.
Doubles any_doubles(std::uint64_t seed, std::size_t count, int low, int high) {
  std::mt19937_64 random(seed);
  Doubles values(count);
  for (double& value : values) {
    const double mantissa = std::ldexp(static_cast<double>(random() >> 11), -53) + 1;
    const int exponent = low + static_cast<int>(random() % (high - low + 1));
    value = std::ldexp(random() % 2 ? mantissa : -mantissa, exponent);
  }
  return values;
}

}  // namespace

TEST_CASE("sums of doubles are rounded once") {
  CHECK(sum_of({1e16, 1, -1e16}) == 1);
  CHECK(sum_of({0.1, 0.2, 0.3, -0.6}) == std::ldexp(1.0, -55));
  CHECK(sum_of({1e308, 1e308, -1e308}) == 1e308);
  CHECK(sum_of({1e-320, 1e300, -1e300}) == 1e-320);
  CHECK(sum_of({5e-324, 5e-324}) == 1e-323);
  CHECK(sum_of({}) == 0);
  CHECK(sum_of({0.0, -0.0}) == 0);
  CHECK(std::isinf(sum_of({1e308, 1e308})));
}

TEST_CASE("sums of doubles equal those of integers of the same value") {
  std::mt19937_64 random(7);
  for (int round = 0; round < 300; ++round) {
    Doubles values;
    __int128 expected = 0;  // in units of 2^-30
    for (int i = 0; i < 100; ++i) {
      const auto number = static_cast<std::int64_t>(random()) >> (11 + random() % 40);
      values.push_back(std::ldexp(static_cast<double>(number), -30));
      expected += number;
    }
    CHECK(sum_of(values) == std::ldexp(static_cast<double>(expected), -30));
  }
}

TEST_CASE("infinities and NaN win as in IEEE addition, whatever the order") {
  const double infinity = std::numeric_limits<double>::infinity();
  const double nan = std::numeric_limits<double>::quiet_NaN();
  CHECK(sum_of({1, infinity, 2}) == infinity);
  CHECK(sum_of({-infinity, 1e300}) == -infinity);
  CHECK(std::isnan(sum_of({infinity, 1, -infinity})));
  CHECK(std::isnan(sum_of({1, nan, infinity})));
}

TEST_CASE("shuffled, cut and merged, a sum keeps its bits") {
  struct Range {
    int low, high;
  };
  for (const Range range : {Range{-20, 20}, Range{-120, 120}, Range{-1022, 1000}}) {
    Doubles values = any_doubles(11, 5000, range.low, range.high);
    values.insert(values.end(), {0.0, -0.0, 5e-324, 1e-310});
    const ExactNumber expected = added(make_float_sum(), values)->sum(0);
    const ExactNumber squares = added(make_float_squares(), values)->sum(0);
    std::mt19937_64 random(12);
    for (int round = 0; round < 20; ++round) {
      std::shuffle(values.begin(), values.end(), random);
      auto merged = make_float_sum(), merged_squares = make_float_squares();
      merged->resize(1);
      merged_squares->resize(1);
      for (std::size_t begin = 0; begin < values.size();) {
        const std::size_t end = std::min(values.size(), begin + 1 + random() % 900);
        const Doubles part(values.begin() + begin, values.begin() + end);
        const RowGroups one{nullptr, 1};
        const auto state = added(make_float_sum(), part)->states(0, 1).value();
        REQUIRE(merged->merge(one, *state));
        const auto square = added(make_float_squares(), part)->states(0, 1).value();
        REQUIRE(merged_squares->merge(one, *square));
        begin = end;
      }
      CHECK(bits(to_double(merged->sum(0))) == bits(to_double(expected)));
      CHECK(merged->sum(0) == expected);
      CHECK(merged_squares->sum(0) == squares);
    }
  }
}

TEST_CASE("a sum of squares is exact") {
  CHECK(to_double(added(make_float_squares(), {3, -4})->sum(0)) == 25);
  CHECK(to_double(added(make_float_squares(), {1e200, 0})->sum(0)) ==
        std::numeric_limits<double>::infinity());
  // (2^27 + 1)^2 = 2^54 + 2^28 + 1 has 55 bits; the one at the end is still there.
  const double value = std::ldexp(1.0, 27) + 1;
  const ExactNumber square = added(make_float_squares(), {value})->sum(0);
  CHECK(square.limbs == std::vector<std::uint64_t>{(1ull << 54) + (1ull << 28) + 1});
}

TEST_CASE("partial sums that many large terms made do not overflow the short number") {
  const double large = std::ldexp(1.0, 126);
  auto sums = make_float_sum();
  sums->resize(1);
  const auto state = added(make_float_sum(), {large})->states(0, 1).value();
  for (int i = 0; i < 64; ++i) REQUIRE(sums->merge({nullptr, 1}, *state));
  CHECK(to_double(sums->sum(0)) == std::ldexp(1.0, 132));
}

TEST_CASE("sums of integers go beyond 64 bits and come back, group by group") {
  // The twin is 128-bit arithmetic; states are merged into a second accumulator and read there.
  std::mt19937_64 random(5);
  for (const bool is_signed : {true, false}) {
    INFO((is_signed ? "signed" : "unsigned"));
    constexpr std::uint32_t group_count = 3;
    auto sums = make_integer_sum();
    sums->resize(group_count);
    __int128 expected[group_count] = {};
    for (int round = 0; round < 8; ++round) {
      std::vector<std::uint64_t> values(500);
      std::vector<std::uint32_t> ids(values.size());
      const bool down = round % 4 >= 2;
      for (std::size_t i = 0; i < values.size(); ++i) {
        values[i] = (random() >> (i % 3)) | (std::uint64_t{is_signed && down} << 63);
        if (is_signed && !down) values[i] &= ~(std::uint64_t{1} << 63);
        ids[i] = static_cast<std::uint32_t>(random() % group_count);
        const auto number = static_cast<std::int64_t>(values[i]);
        expected[ids[i]] += is_signed ? __int128{number} : __int128{values[i]};
      }
      auto data = arrow::ArrayData::Make(is_signed ? arrow::int64() : arrow::uint64(), 500,
                                         {nullptr, arrow::Buffer::FromVector(values)}, 0);
      REQUIRE(sums->update({ids.data(), 500}, {arrow::MakeArray(data)}));
      auto merged = make_integer_sum();
      merged->resize(group_count);
      const std::vector<std::uint32_t> all = {0, 1, 2};
      const auto half = sums->states(0, group_count).value();
      REQUIRE(merged->merge({all.data(), group_count}, *half));
      REQUIRE(merged->merge({all.data(), group_count}, *half));
      for (std::uint32_t group = 0; group < group_count; ++group) {
        const auto magnitude = [](__int128 value) {
          return static_cast<unsigned __int128>(value < 0 ? -value : value);
        };
        for (const int times : {1, 2}) {
          const auto size = magnitude(expected[group] * times);
          const std::uint64_t limbs[] = {static_cast<std::uint64_t>(size),
                                         static_cast<std::uint64_t>(size >> 64)};
          const auto& told = times == 1 ? sums : merged;
          CHECK(told->sum(group) == ExactNumber::of(expected[group] < 0, 0, limbs));
        }
      }
    }
  }
}

TEST_CASE("a state that makes no sense is refused") {
  auto sums = make_float_sum();
  sums->resize(1);
  arrow::BinaryBuilder builder;
  REQUIRE(builder.Append("no sum").ok());
  const auto bad = builder.Finish().ValueOrDie();
  CHECK(sums->merge({nullptr, 1}, *bad).error().code == ErrorCode::corrupt);
  auto integers = make_integer_squares();
  integers->resize(1);
  const auto fraction = added(make_float_sum(), {0.5})->states(0, 1).value();
  CHECK(integers->merge({nullptr, 1}, *fraction).error().code == ErrorCode::corrupt);
  auto decimals = make_decimal_sum();
  decimals->resize(1);
  const std::int64_t too_many[] = {0, 0, std::numeric_limits<std::int64_t>::min()};
  const arrow::FixedSizeBinaryArray wrapped(arrow::fixed_size_binary(sizeof too_many), 1,
                                            arrow::Buffer::Wrap(too_many, 3));
  CHECK(decimals->merge({nullptr, 1}, wrapped).error().code == ErrorCode::corrupt);
}

TEST_CASE("sums of the longest decimals are exact, though 128 bits do not hold them") {
  std::mt19937_64 random(5);
  const arrow::Decimal128 longest = arrow::Decimal128::GetMaxValue(38);
  constexpr std::uint32_t groups = 3;
  std::vector<arrow::Decimal256> expected(groups, arrow::Decimal256(0));
  auto whole = make_decimal_sum(), first = make_decimal_sum(), second = make_decimal_sum();
  for (const auto& sum : {whole.get(), first.get(), second.get()}) sum->resize(groups);
  for (int batch = 0; batch < 40; ++batch) {
    arrow::Decimal128Builder builder(arrow::decimal128(38, 0));
    std::vector<std::uint32_t> ids;
    for (int row = 0; row < 50; ++row) {
      const std::uint32_t group = random() % groups;
      // Group 0 rises, group 1 falls, group 2 crosses zero again and again.
      const bool negative = group == 1 || (group == 2 && (batch / 4) % 2 == 1);
      const arrow::Decimal128 size = longest - arrow::Decimal128(random() % 3);
      arrow::Decimal128 value = size;
      if (negative) value.Negate();
      REQUIRE(builder.Append(value).ok());
      ids.push_back(group);
      expected[group] += arrow::Decimal256(value);
    }
    const Argument argument{builder.Finish().ValueOrDie()};
    const RowGroups rows{ids.data(), 50};
    REQUIRE(whole->update(rows, argument));
    REQUIRE((batch % 2 == 0 ? first : second)->update(rows, argument));
  }
  const std::uint32_t each[] = {0, 1, 2};
  REQUIRE(first->merge({each, groups}, *second->states(0, groups).value()));
  for (std::uint32_t group = 0; group < groups; ++group) {
    const auto size = arrow::Decimal256(arrow::Decimal256::Abs(expected[group]));
    const ExactNumber exact =
        ExactNumber::of(expected[group].IsNegative(), 0, size.little_endian_array());
    CHECK(whole->sum(group) == exact);
    CHECK(first->sum(group) == exact);
    if (const auto small = whole->small_sum(group)) {
      const arrow::Decimal128 value(static_cast<std::int64_t>(*small >> 64),
                                    static_cast<std::uint64_t>(*small));
      CHECK(arrow::Decimal256(value) == expected[group]);
    }
  }
}

TEST_CASE("every accumulator gives one answer for any order, cut and grouping") {
  const std::vector<std::pair<AccumulatorKind, std::shared_ptr<arrow::DataType>>> cases = {
      {AccumulatorKind::count, arrow::int64()},
      {AccumulatorKind::integer_sum, arrow::int64()},
      {AccumulatorKind::integer_sum, arrow::uint8()},
      {AccumulatorKind::integer_squares, arrow::int32()},
      {AccumulatorKind::decimal_sum, arrow::decimal128(12, 2)},
      {AccumulatorKind::float_sum, arrow::float64()},
      {AccumulatorKind::float_squares, arrow::float64()},
      {AccumulatorKind::min, arrow::int16()},
      {AccumulatorKind::max, arrow::float64()},
      {AccumulatorKind::min, arrow::utf8()},
      {AccumulatorKind::max, arrow::utf8()},
      {AccumulatorKind::min, arrow::boolean()},
      {AccumulatorKind::max, arrow::decimal128(12, 2)},
      {AccumulatorKind::min, arrow::timestamp(arrow::TimeUnit::MICRO)},
  };
  constexpr std::uint32_t groups = 5;
  for (const auto& [kind, type] : cases) {
    INFO(to_string(kind) << " of " << type->ToString());
    const auto schema =
        arrow::schema({arrow::field("g", arrow::uint32()), arrow::field("v", type)});
    const bool is_unsigned = arrow::is_unsigned_integer(type->id());
    std::vector<Batch> batches;
    for (std::uint32_t seed = 1; seed <= 8; ++seed) {
      std::string json = "[";
      std::mt19937 random(seed);
      for (int i = 0; i < 40; ++i) {
        const int value = static_cast<int>(random() % 30) + (is_unsigned ? 5 : 0);
        json += fmt::format("{}{{\"g\": {}, \"v\": {}}}", i ? "," : "", random() % groups,
                            random() % 5 == 0 ? "null" : random_value(*type, value));
      }
      batches.push_back(rows_from(schema, json + "]"));
    }
    std::vector<std::string> first;
    std::mt19937 random(99);
    for (int round = 0; round < 10; ++round) {
      std::shuffle(batches.begin(), batches.end(), random);
      auto whole = Accumulator::make(kind, type).value();
      whole->resize(groups);
      auto part = Accumulator::make(kind, type).value();
      part->resize(groups);
      for (const Batch& batch : batches) {
        const auto ids = std::static_pointer_cast<arrow::UInt32Array>(batch.columns()->column(0));
        const auto values = batch.columns()->column(1);
        Argument argument{values};
        if (values->null_count() > 0) {
          argument.valid = values->null_bitmap();
          argument.valid_offset = values->offset();
        }
        REQUIRE(part->update({ids->raw_values(), batch.rows()}, argument));
        if (random() % 3 > 0) continue;
        std::vector<std::uint32_t> all(groups);
        std::iota(all.begin(), all.end(), 0);
        REQUIRE(whole->merge({all.data(), groups}, *part->states(0, groups).value()));
        part = Accumulator::make(kind, type).value();
        part->resize(groups);
      }
      std::vector<std::uint32_t> all(groups);
      std::iota(all.begin(), all.end(), 0);
      REQUIRE(whole->merge({all.data(), groups}, *part->states(0, groups).value()));
      const auto states = whole->states(0, groups).value();
      REQUIRE(states->ValidateFull().ok());
      const Batch result(arrow::RecordBatch::Make(
          arrow::schema({arrow::field("s", states->type())}), groups, {states}));
      const auto lines = lines_of({result});
      if (round == 0) first = lines;
      CHECK(lines == first);
    }
  }
}

TEST_CASE("NaN is above all numbers, and -0.0 below 0.0") {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const auto extreme = [&](AccumulatorKind kind, const Doubles& values) {
    auto best = Accumulator::make(kind, arrow::float64()).value();
    best->resize(1);
    REQUIRE(best->update({nullptr, static_cast<std::int64_t>(values.size())}, {array_of(values)}));
    return std::static_pointer_cast<arrow::DoubleArray>(best->states(0, 1).value())->Value(0);
  };
  CHECK(extreme(AccumulatorKind::min, {nan, 3, -7}) == -7);
  CHECK(std::isnan(extreme(AccumulatorKind::max, {nan, 3, -7})));
  CHECK(std::isnan(extreme(AccumulatorKind::min, {nan, -nan})));
  CHECK(bits(extreme(AccumulatorKind::min, {0.0, -0.0})) == bits(-0.0));
  CHECK(bits(extreme(AccumulatorKind::max, {-0.0, 0.0})) == bits(0.0));
}
