// The hash of a key is durable and does not depend on how a batch holds it: golden values pin it,
// and the same keys hash alike as dictionary, slice, other width or batch of another size.
#include "runtime/data/key_hash.hpp"

#include "tests/support/catch.hpp"

#include <arrow/api.h>
#include <xxhash.h>

#include <cmath>
#include <limits>

using namespace troupe;

namespace {

using Arrays = std::vector<std::shared_ptr<arrow::Array>>;
using Hashes = std::vector<std::uint64_t>;

template <class Builder, class Value>
std::shared_ptr<arrow::Array> array(const std::vector<std::optional<Value>>& values) {
  Builder builder;
  for (const auto& value : values) {
    REQUIRE((value ? builder.Append(*value) : builder.AppendNull()).ok());
  }
  return builder.Finish().ValueOrDie();
}

std::shared_ptr<arrow::Array> texts(const std::vector<std::optional<std::string>>& values) {
  return array<arrow::StringBuilder>(values);
}
std::shared_ptr<arrow::Array> longs(const std::vector<std::optional<std::int64_t>>& values) {
  return array<arrow::Int64Builder>(values);
}
std::shared_ptr<arrow::Array> doubles(const std::vector<std::optional<double>>& values) {
  return array<arrow::DoubleBuilder>(values);
}

std::shared_ptr<arrow::Array> dictionary(const std::vector<std::optional<std::int32_t>>& codes,
                                         const std::shared_ptr<arrow::Array>& entries) {
  return arrow::DictionaryArray::FromArrays(array<arrow::Int32Builder>(codes), entries)
      .ValueOrDie();
}

Hashes hashes(const Arrays& columns) {
  Hashes out;
  REQUIRE(hash_keys(columns, columns.front()->length(), out));
  return out;
}

}  // namespace

TEST_CASE("the hash of a key never changes") {
  const Arrays columns = {
      texts({"AA", "", "a string longer than one stripe of xxh3", std::nullopt}),
      longs({0, -1, 4711, std::nullopt})};
  CHECK(hashes({columns[0]}) ==
        Hashes{0x84d625edb7055eac, 0x2d06800538d394c2, 0x11dc397d359721bb, 0x4dc5b0cc826f6703});
  CHECK(hashes({columns[1]}) ==
        Hashes{0xc77b3abb6f87acd9, 0x5111c7e47d784413, 0x7739d91621c38b0f, 0x4dc5b0cc826f6703});
  CHECK(hashes(columns) ==
        Hashes{0x1e7f3fe1b6d3c204, 0x6fb49fcf24417db6, 0x820cc716bed9ab71, 0xb3c84d5d3a7e196e});
  CHECK(hashes({columns[1], columns[0], columns[1]}) ==
        Hashes{0xeaa08845301b99f2, 0x2c47a8aa331a1e57, 0x7f10e2850b509135, 0x5763b1c872e5f2b3});
}

TEST_CASE("a value hashes as xxh3_64 of its canonical bytes") {
  const std::int64_t number = -1;
  CHECK(hashes({texts({"AA"})}).front() == XXH3_64bits("AA", 2));
  CHECK(hashes({longs({number})}).front() == XXH3_64bits(&number, 8));
  CHECK(hashes({array<arrow::Int8Builder, std::int8_t>({-1})}).front() == XXH3_64bits(&number, 8));
  CHECK(hashes({array<arrow::BooleanBuilder, bool>({true})}) == hashes({longs({1})}));
  CHECK(hashes({array<arrow::FloatBuilder, float>({0.5F})}) == hashes({doubles({0.5})}));
}

TEST_CASE("keys that are equal hash alike") {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const Hashes floats = hashes({doubles({0.0, -0.0, nan, -nan, std::nullopt, 1.0})});
  CHECK(floats[0] == floats[1]);
  CHECK(floats[2] == floats[3]);
  CHECK(floats[2] != floats[4]);
  CHECK(floats[0] != floats[4]);
}

TEST_CASE("a null is no empty text and no zero") {
  const Hashes words = hashes({texts({"", std::nullopt})});
  CHECK(words[0] != words[1]);
  const Hashes numbers = hashes({longs({0, std::nullopt})});
  CHECK(numbers[0] != numbers[1]);
}

TEST_CASE("encoding and slicing do not change a hash") {
  const auto plain = texts({"JFK", "LGA", std::nullopt, "EWR", "JFK", std::nullopt});
  const auto coded = dictionary({2, 0, std::nullopt, 1, 2, 3}, texts({"LGA", "EWR", "JFK", {}}));
  const auto other = longs({1, 2, 3, 4, 5, 6});
  CHECK(hashes({plain}) == hashes({coded}));
  CHECK(hashes({plain, other}) == hashes({coded, other}));
  const Hashes whole = hashes({coded, plain, other});
  const Hashes part = hashes({coded->Slice(2, 3), plain->Slice(2, 3), other->Slice(2, 3)});
  CHECK(part == Hashes(whole.begin() + 2, whole.begin() + 5));
}

TEST_CASE("the order of columns counts, and no columns are one key") {
  const auto a = longs({1}), b = longs({2});
  CHECK(hashes({a, b}) != hashes({b, a}));
  Hashes out;
  REQUIRE(hash_keys(Arrays{}, 3, out));
  CHECK((out.size() == 3 && out[0] == out[2]));
}

TEST_CASE("a nested column is refused by name") {
  const auto type = arrow::list(arrow::int64());
  const auto schema = arrow::schema({arrow::field("a", arrow::int64()), arrow::field("l", type)});
  const auto list = arrow::MakeArrayOfNull(type, 1).ValueOrDie();
  const Batch batch(arrow::RecordBatch::Make(schema, 1, Arrays{longs({1}), list}));
  Hashes out;
  const Result<> refused = hash_keys(batch, {0, 1}, out);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == ErrorCode::unsupported);
  CHECK(refused.error().message == "l: values of type list<item: int64> cannot be a key");
}
