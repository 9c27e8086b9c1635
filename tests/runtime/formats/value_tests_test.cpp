// Bounds as questions about stored numbers and texts: the same answers as comparing each value with
// the literal, whatever its type and scale, at the ends of the range, too.
#include "runtime/formats/value_tests.hpp"

#include "runtime/formats/scalar_order.hpp"
#include "runtime/os/random.hpp"
#include "tests/support/catch.hpp"

#include <arrow/scalar.h>
#include <arrow/type.h>

#include <array>

using namespace troupe;

namespace {

constexpr std::array comparisons = {Comparison::equal,   Comparison::not_equal,
                                    Comparison::less,    Comparison::less_equal,
                                    Comparison::greater, Comparison::greater_equal};

bool holds(int order, Comparison comparison) {
  switch (comparison) {
    case Comparison::equal:
      return order == 0;
    case Comparison::not_equal:
      return order != 0;
    case Comparison::less:
      return order < 0;
    case Comparison::less_equal:
      return order <= 0;
    case Comparison::greater:
      return order > 0;
    case Comparison::greater_equal:
      return order >= 0;
  }
  return false;
}

std::shared_ptr<arrow::Scalar> stored(const std::shared_ptr<arrow::DataType>& type,
                                      std::int64_t number) {
  if (type->id() == arrow::Type::DECIMAL128) {
    return std::make_shared<arrow::Decimal128Scalar>(arrow::Decimal128(number), type);
  }
  return *arrow::Int64Scalar(number).CastTo(type);
}

/// Whether a column of this type with these values is asked what the bound asks.
void check(const std::shared_ptr<arrow::DataType>& type, const std::vector<std::int64_t>& values,
           Comparison comparison, const std::shared_ptr<arrow::Scalar>& literal) {
  const auto schema = arrow::schema({arrow::field("x", type)});
  const ColumnTests tests = tests_of({{0, comparison, literal}}, *schema);
  if (comparison == Comparison::not_equal) {
    CHECK(tests.empty());  // is left to the filter
    return;
  }
  REQUIRE(tests.size() == 1);
  std::vector<std::uint8_t> keep(values.size(), 1);
  tests.front().test->narrow(values, keep.data());
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto value = stored(type, values[i]);
    INFO(type->ToString() << " " << value->ToString() << " with " << literal->ToString() << ", "
                          << static_cast<int>(comparison));
    CHECK((keep[i] == 1) == holds(*scalar_order(*value, *literal), comparison));
  }
}

}  // namespace

TEST_CASE("numbers, dates and decimals satisfy a bound as they compare with its literal") {
  const auto money = arrow::decimal128(15, 2);
  const auto moments = arrow::timestamp(arrow::TimeUnit::MICRO);
  const std::int64_t day = 86'400'000'000;
  for (const Comparison comparison : comparisons) {
    check(arrow::int64(), {INT64_MIN, -1, 0, 4, 5, 6, INT64_MAX}, comparison,
          arrow::MakeScalar(std::int64_t{5}));
    check(arrow::int64(), {INT64_MIN, 0, INT64_MAX}, comparison, arrow::MakeScalar(INT64_MAX));
    check(arrow::int64(), {INT64_MIN, 0, INT64_MAX}, comparison, arrow::MakeScalar(INT64_MIN));
    check(arrow::int16(), {-32768, 0, 32767}, comparison, arrow::MakeScalar(std::int64_t{40'000}));
    check(arrow::int32(), {INT32_MIN, 2, 3, INT32_MAX}, comparison, arrow::MakeScalar(2.5));
    check(arrow::date32(), {INT32_MIN, 8'999, 9'000, 9'001, INT32_MAX}, comparison,
          std::make_shared<arrow::Date32Scalar>(9'000));
    check(moments, {-day, 0, day - 1, day, day + 1}, comparison,
          std::make_shared<arrow::Date32Scalar>(1));
    check(money, {-6, -5, 4, 5, 6, 7}, comparison,
          std::make_shared<arrow::Decimal128Scalar>(arrow::Decimal128(5), money));
    check(
        money, {4, 5, 6, 7}, comparison,  // 0.055 is between 5 and 6 hundredths
        std::make_shared<arrow::Decimal128Scalar>(arrow::Decimal128(55), arrow::decimal128(10, 3)));
    check(money, {499, 500, 501}, comparison, arrow::MakeScalar(std::int32_t{5}));
  }
}

TEST_CASE("the bounds of a column are one question, which may have no answer") {
  const auto schema = arrow::schema({arrow::field("x", arrow::int64())});
  const auto literal = [](std::int64_t number) { return arrow::MakeScalar(number); };
  const std::vector<std::int64_t> values = {1, 2, 3, 4, 5};
  const auto kept = [&](std::int64_t low, std::int64_t high) {
    const ColumnTests tests = tests_of(
        {{0, Comparison::greater_equal, literal(low)}, {0, Comparison::less_equal, literal(high)}},
        *schema);
    REQUIRE(tests.size() == 1);
    std::vector<std::uint8_t> keep(values.size(), 1);
    tests.front().test->narrow(values, keep.data());
    return keep;
  };
  CHECK(kept(2, 4) == std::vector<std::uint8_t>{0, 1, 1, 1, 0});
  CHECK(kept(4, 2) == std::vector<std::uint8_t>{0, 0, 0, 0, 0});
}

TEST_CASE("texts compare by their bytes; what does not compare asks nothing") {
  const auto schema =
      arrow::schema({arrow::field("s", arrow::utf8()), arrow::field("u", arrow::uint64()),
                     arrow::field("n", arrow::int64())});
  const std::vector<std::string_view> values = {"", "Z", "a", "ab", "b", "\xC3\xA4"};
  for (const Comparison comparison : comparisons) {
    const auto tests = tests_of({{0, comparison, arrow::MakeScalar("ab")}}, *schema);
    REQUIRE(tests.size() == 1);
    std::vector<std::uint8_t> keep(values.size(), 1);
    tests.front().test->narrow(values, keep.data());
    for (std::size_t i = 0; i < values.size(); ++i) {
      CHECK((keep[i] == 1) == holds(values[i].compare("ab"), comparison));
    }
  }
  CHECK(tests_of({{1, Comparison::less, arrow::MakeScalar(std::uint64_t{5})},
                  {2, Comparison::less, arrow::MakeScalar("5")},
                  {2, Comparison::less, arrow::MakeNullScalar(arrow::int64())},
                  {2, Comparison::less, nullptr}},
                 *schema)
            .empty());
}
