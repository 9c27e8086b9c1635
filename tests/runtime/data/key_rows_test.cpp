// Two rows have the same key exactly where the hash says so (`hash_keys`, whose canonical bytes are
// the definition): for every type, also encoded as a dictionary, cut out of a larger batch, and
// with the values that are equal without having equal bits.
#include "runtime/data/key_rows.hpp"

#include "runtime/data/key_hash.hpp"
#include "runtime/os/random.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/rows.hpp"
#include "tests/support/typed_rows.hpp"

#include <arrow/array.h>
#include <arrow/builder.h>
#include <arrow/compute/api_vector.h>
#include <arrow/datum.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <cmath>
#include <limits>

using namespace troupe;

namespace {

Batch batch_of(const std::shared_ptr<arrow::Array>& column) {
  return Batch(arrow::RecordBatch::Make(arrow::schema({arrow::field("c", column->type())}),
                                        column->length(), {column}));
}

std::vector<Batch> forms_of(const Batch& batch, int column) {
  const auto values = batch.columns()->column(column);
  std::vector<Batch> forms = {batch_of(values)};
  const auto coded = arrow::compute::DictionaryEncode(values);
  if (coded.ok()) forms.push_back(batch_of(coded->make_array()));
  return forms;
}

/// How many pairs of rows have the same key.
int check_pairs(const Batch& left, const Batch& right) {
  std::vector<std::uint64_t> a, b;
  REQUIRE(hash_keys(left, {0}, a));
  REQUIRE(hash_keys(right, {0}, b));
  const KeyRows rows(left, {0}), others(right, {0});
  int same = 0;
  for (std::uint32_t i = 0; i < a.size(); ++i) {
    for (std::uint32_t j = 0; j < b.size(); ++j) {
      if (rows.same(i, others, j) != (a[i] == b[j])) FAIL("rows " << i << " and " << j);
      same += a[i] == b[j] ? 1 : 0;
    }
  }
  return same;
}

}  // namespace

TEST_CASE("keys are the same where their hashes are, for every type and encoding") {
  Random random(3);
  const Batch all = random_batch(every_type(), 200, random);
  for (int c = 0; c < all.columns()->num_columns(); ++c) {
    INFO(all.columns()->schema()->field(c)->ToString());
    std::vector<std::uint64_t> hashes;
    if (!hash_keys(all, {c}, hashes)) continue;
    int same = 0;
    for (const Batch& left : forms_of(all, c)) {
      for (const Batch& right : forms_of(Batch(all.columns()->Slice(37, 150)), c)) {
        same += check_pairs(left, right);
      }
    }
    CHECK(same >= 150);
  }
}

TEST_CASE("zero has one sign, not-a-number one value, and null is a value of its own") {
  arrow::DoubleBuilder builder;
  REQUIRE(builder.AppendValues({0.0, -0.0, std::nan(""), -std::nan("7"), 1.0}).ok());
  REQUIRE(builder.AppendNull().ok());
  REQUIRE(builder.AppendNull().ok());
  const Batch batch = batch_of(builder.Finish().ValueOrDie());
  CHECK(check_pairs(batch, batch) == 4 + 4 + 1 + 4);
}

TEST_CASE("a key of several columns is the same where all of them are; one of none always is") {
  const auto schema =
      arrow::schema({arrow::field("a", arrow::int64()), arrow::field("b", arrow::utf8())});
  const Batch rows =
      rows_from(schema, R"([{"a": 1, "b": "x"}, {"a": 1, "b": "y"}, {"a": null, "b": "x"},
      {"a": 1, "b": "x"}, {"a": null, "b": "x"}, {"a": 1, "b": null}])");
  const KeyRows keys(rows, {0, 1});
  const auto same = [&](std::uint32_t i, std::uint32_t j) { return keys.same(i, keys, j); };
  CHECK(same(0, 3));
  CHECK(same(2, 4));
  CHECK_FALSE(same(0, 1));
  CHECK_FALSE(same(0, 2));
  CHECK_FALSE(same(0, 5));
  CHECK_FALSE(same(2, 5));
  const KeyRows none(rows, {});
  CHECK(none.same(0, none, 1));
}

TEST_CASE("nested values are the same bit for bit") {
  const auto schema = arrow::schema({arrow::field("l", arrow::list(arrow::int32()))});
  const Batch rows =
      rows_from(schema, R"([{"l": [1, null]}, {"l": [1]}, {"l": null}, {"l": [1, null]}])");
  const KeyRows keys(rows, {0});
  CHECK(keys.same(0, keys, 3));
  CHECK_FALSE(keys.same(0, keys, 1));
  CHECK_FALSE(keys.same(2, keys, 1));
}
