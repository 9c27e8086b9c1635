// Row groups are skipped by comparing literals with statistics, by value and across types; a wrong
// answer here loses rows, so what does not compare must say so.
#include "runtime/formats/scalar_order.hpp"

#include "tests/support/catch.hpp"

#include <arrow/scalar.h>
#include <arrow/type.h>

#include <cmath>

using namespace troupe;

namespace {

std::optional<int> order(const std::shared_ptr<arrow::Scalar>& a,
                         const std::shared_ptr<arrow::Scalar>& b) {
  const auto forward = scalar_order(*a, *b);
  const auto backward = scalar_order(*b, *a);
  CHECK(forward.has_value() == backward.has_value());
  if (forward) CHECK(*forward == -*backward);
  return forward;
}

template <class T>
std::shared_ptr<arrow::Scalar> of(T value) {
  return arrow::MakeScalar(value);
}

std::shared_ptr<arrow::Scalar> time(std::int64_t value, arrow::TimeUnit::type unit,
                                    const std::string& zone = "") {
  return std::make_shared<arrow::TimestampScalar>(value, arrow::timestamp(unit, zone));
}

}  // namespace

TEST_CASE("numbers compare by value, whatever their types") {
  CHECK(order(of(std::int32_t{5}), of(std::int64_t{5})) == 0);
  CHECK(order(of(std::int64_t{-1}), of(UINT64_MAX)) == -1);
  CHECK(order(of(std::int64_t{3}), of(2.5)) == 1);
  // Doubles cannot tell these two apart; the comparison must.
  CHECK(order(of(std::int64_t{9007199254740993}), of(9007199254740992.0)) == 1);
  const auto price =
      std::make_shared<arrow::Decimal128Scalar>(arrow::Decimal128(500), arrow::decimal128(10, 2));
  CHECK(order(price, of(std::int32_t{5})) == 0);
  CHECK(order(price, of(std::int64_t{INT64_MAX})) == -1);
  const auto finer =
      std::make_shared<arrow::Decimal128Scalar>(arrow::Decimal128(50001), arrow::decimal128(10, 4));
  CHECK(order(price, finer) == -1);
}

TEST_CASE("times compare across units, a date is its midnight, zoned and local never compare") {
  CHECK(order(time(1, arrow::TimeUnit::SECOND), time(1'000'000, arrow::TimeUnit::MICRO)) == 0);
  CHECK(order(time(INT64_MAX, arrow::TimeUnit::SECOND), time(0, arrow::TimeUnit::NANO)) == 1);
  const auto day = std::make_shared<arrow::Date32Scalar>(1);
  CHECK(order(day, time(86'400, arrow::TimeUnit::SECOND)) == 0);
  CHECK_FALSE(order(time(0, arrow::TimeUnit::SECOND), time(0, arrow::TimeUnit::SECOND, "UTC")));
}

TEST_CASE("what has no order has none") {
  CHECK_FALSE(order(of(std::string("5")), of(std::int64_t{5})));
  CHECK_FALSE(order(of(std::nan("")), of(1.0)));
  CHECK_FALSE(order(arrow::MakeNullScalar(arrow::int64()), of(std::int64_t{5})));
  CHECK(order(of(std::string("a")), of(std::string("b"))) == -1);
}
