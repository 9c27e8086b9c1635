// What a build side tells of the keys it needs: no key that it has is ever left out; of others only
// a few pass where they are far apart, and none where they are close together.
#include "runtime/ops/join/needed_keys.hpp"

#include "runtime/ops/join/join_operator.hpp"
#include "runtime/os/random.hpp"
#include "tests/support/catch.hpp"

#include <arrow/array.h>
#include <arrow/builder.h>
#include <arrow/compute/api.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <set>

using namespace troupe;

namespace {

std::shared_ptr<arrow::Array> keys_of(const std::vector<std::optional<std::int64_t>>& values) {
  arrow::Int64Builder builder;
  for (const auto& value : values) REQUIRE(builder.AppendOrNull(value).ok());
  return *builder.Finish();
}

bool passes(const NeededValues& needed, std::int64_t value) {
  std::uint8_t keep = 1;
  for (const NeededValue& one : needed) one.test->narrow(std::span(&value, 1), &keep);
  return keep == 1;
}

struct NoOutput final : Emitter {
  void emit(Batch, int) override {}
  void emit_to(std::uint32_t, Batch) override {}
};

/// A join of one column on each side, whose build side has these keys and has ended.
struct Built {
  Built(JoinType type, const std::vector<std::optional<std::int64_t>>& keys, bool asked)
      : join(spec_of(type)) {
    REQUIRE(join.open({}));
    if (asked) join.ask(0);
    CHECK_FALSE(join.needed(0));
    NoOutput none;
    const Batch batch(arrow::RecordBatch::Make(spec_of(type)->right,
                                               static_cast<std::int64_t>(keys.size()),
                                               arrow::ArrayVector{keys_of(keys)}));
    if (!keys.empty()) REQUIRE(join.process(1, batch, none).value() == Step::done);
    REQUIRE(join.end_of_input(1, none));
  }

  static std::shared_ptr<JoinSpec> spec_of(JoinType type) {
    auto spec = std::make_shared<JoinSpec>();
    spec->type = type;
    spec->left_keys = {2};
    spec->right_keys = {0};
    spec->right = arrow::schema({arrow::field("k", arrow::int64())});
    spec->schema = arrow::schema(arrow::FieldVector{});
    return spec;
  }

  JoinOperator join;
};

}  // namespace

TEST_CASE(
    "a join tells which keys it needs where it drops rows of the left side without a partner") {
  for (const JoinType type : {JoinType::inner, JoinType::semi, JoinType::right}) {
    Built built(type, {3, std::nullopt, 9}, true);
    CHECK(built.join.told_columns(0) == std::vector<int>{2});
    CHECK(built.join.told_columns(1).empty());
    const auto needed = built.join.needed(0);
    REQUIRE(needed);
    REQUIRE(needed->size() == 1);
    CHECK(needed->front().column == 2);
    CHECK(passes(*needed, 3));
    CHECK_FALSE(passes(*needed, 4));
  }
  for (const JoinType type : {JoinType::left, JoinType::full, JoinType::anti}) {
    CHECK(Built(type, {3}, true).join.told_columns(0).empty());
  }
}

TEST_CASE("a join that is not asked, or has no build side, needs every row") {
  CHECK(Built(JoinType::inner, {3, 9}, false).join.needed(0)->empty());
  // So that the first rows end the join, instead of all being looked at.
  CHECK(Built(JoinType::inner, {}, true).join.needed(0)->empty());
}

TEST_CASE("keys that are close together pass, and nothing else does") {
  const NeededValues needed = needed_keys({3}, {keys_of({-7, 5, std::nullopt, 64, 64})});
  REQUIRE(needed.size() == 1);
  CHECK(needed.front().column == 3);
  const std::set<std::int64_t> keys = {-7, 5, 64};
  for (std::int64_t value = -200; value < 200; ++value) {
    CHECK(passes(needed, value) == (keys.count(value) == 1));
  }
  CHECK_FALSE(passes(needed, INT64_MIN));
  CHECK_FALSE(passes(needed, INT64_MAX));
}

TEST_CASE("keys that are far apart all pass, and few others do") {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    Random random(seed);
    std::vector<std::optional<std::int64_t>> values;
    for (std::uint64_t i = 0; i < 1 + random.below(20'000); ++i) {
      values.push_back(random.below(9) ? std::optional<std::int64_t>(random.next()) : std::nullopt);
    }
    values.push_back(seed % 2 ? INT64_MIN : 0);
    values.push_back(seed % 3 ? INT64_MAX : std::int64_t{1} << 40);
    const NeededValues needed = needed_keys({0}, {keys_of(values)});
    REQUIRE(needed.size() == 1);
    for (const auto& value : values) {
      if (value) REQUIRE(passes(needed, *value));
    }
    int strangers = 0;
    for (int i = 0; i < 10'000; ++i) {
      strangers += passes(needed, static_cast<std::int64_t>(random.next())) ? 1 : 0;
    }
    CHECK(strangers < 600);
  }
}

TEST_CASE("a build side without a key needs no row but perhaps one of its own making") {
  for (const auto& none : {keys_of({}), keys_of({std::nullopt, std::nullopt})}) {
    const NeededValues needed = needed_keys({0}, {none});
    REQUIRE(needed.size() == 1);
    for (const std::int64_t value : {INT64_MIN, INT64_MAX, std::int64_t{0}, std::int64_t{-5}}) {
      CHECK_FALSE(passes(needed, value));
    }
  }
}

TEST_CASE("keys of other kinds are not told; those of whole numbers are, each by its column") {
  const auto whole = keys_of({1, 2});
  const auto as = [&](const std::shared_ptr<arrow::DataType>& type) {
    return *arrow::compute::Cast(*whole, type);
  };
  const NeededValues needed =
      needed_keys({4, 5, 6, 7, 8, 9},
                  {as(arrow::utf8()), as(arrow::int16()), as(arrow::float64()), as(arrow::uint64()),
                   as(arrow::decimal128(20, 0)), as(arrow::timestamp(arrow::TimeUnit::MICRO))});
  REQUIRE(needed.size() == 2);
  CHECK(needed[0].column == 5);
  CHECK(needed[1].column == 9);
  CHECK(passes({needed[0]}, 2));
  CHECK_FALSE(passes({needed[0]}, 3));
  CHECK(passes({needed[1]}, 1));
}
