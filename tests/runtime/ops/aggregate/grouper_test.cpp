// Two rows have one group number exactly if their keys are equal, whatever the types, encodings,
// slices and batch sizes; and the number gives the key back. Checked against a map of printed keys.
#include "runtime/ops/aggregate/grouper.hpp"

#include "tests/support/catch.hpp"
#include "tests/support/rows.hpp"

#include <arrow/array.h>
#include <arrow/array/builder_primitive.h>
#include <arrow/json/from_string.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <cmath>
#include <limits>
#include <map>
#include <numeric>

using namespace troupe;

namespace {

std::vector<std::shared_ptr<arrow::DataType>> types_of(const arrow::Schema& schema) {
  std::vector<std::shared_ptr<arrow::DataType>> types;
  for (const auto& field : schema.fields()) types.push_back(logical_type(field->type()));
  return types;
}

/// Keys as lines; -0.0 as the 0.0 that it is equal to.
std::vector<std::string> keys_of(const Batch& batch) {
  auto lines = lines_of({batch});
  for (std::string& line : lines) {
    line = "|" + line + "|";
    for (auto at = line.find("|-0|"); at != line.npos; at = line.find("|-0|"))
      line.erase(at + 1, 1);
  }
  return lines;
}

void check_against_map(const SchemaPtr& schema, const RandomRows& shape) {
  Grouper grouper = Grouper::make(types_of(*schema)).value();
  std::map<std::string, std::uint32_t> expected;
  std::vector<std::string> keys;  // by group number
  for (const Batch& batch : random_rows(schema, shape)) {
    const auto lines = keys_of(batch);
    std::vector<std::uint32_t> ids;
    REQUIRE(grouper.assign(batch.columns()->columns(), batch.rows(), ids));
    for (std::size_t i = 0; i < lines.size(); ++i) {
      const auto [found, added] = expected.emplace(lines[i], ids[i]);
      if (added) keys.push_back(lines[i]);
      REQUIRE(found->second == ids[i]);
    }
    REQUIRE(grouper.size() == expected.size());
  }
  std::vector<std::uint32_t> all(grouper.size());
  std::iota(all.begin(), all.end(), 0);
  const auto columns = grouper.keys(all).value();
  for (const auto& column : columns) REQUIRE(column->ValidateFull().ok());
  arrow::FieldVector fields;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    fields.push_back(arrow::field(std::to_string(i), columns[i]->type()));
  }
  const Batch back(arrow::RecordBatch::Make(arrow::schema(fields), grouper.size(), columns));
  const auto lines = keys_of(back);
  for (std::size_t id = 0; id < lines.size(); ++id) CHECK(expected.at(lines[id]) == id);
}

SchemaPtr columns_of(const std::vector<std::shared_ptr<arrow::DataType>>& types) {
  arrow::FieldVector fields;
  for (std::size_t i = 0; i < types.size(); ++i) {
    fields.push_back(arrow::field("c" + std::to_string(i), types[i]));
  }
  return arrow::schema(fields);
}

std::shared_ptr<arrow::Array> coded(const std::string& codes, const std::string& entries) {
  return arrow::DictionaryArray::FromArrays(
             arrow::json::ArrayFromJSONString(arrow::int32(), codes).ValueOrDie(),
             arrow::json::ArrayFromJSONString(arrow::utf8(), entries).ValueOrDie())
      .ValueOrDie();
}

std::vector<std::uint32_t> ids_of(Grouper& grouper,
                                  const std::vector<std::shared_ptr<arrow::Array>>& columns) {
  std::vector<std::uint32_t> ids;
  REQUIRE(grouper.assign(columns, columns.front()->length(), ids));
  return ids;
}

using Ids = std::vector<std::uint32_t>;

}  // namespace

TEST_CASE("groups are those of a map, for columns of every type") {
  const auto micros = arrow::timestamp(arrow::TimeUnit::MICRO);
  for (const auto& types : std::vector<std::vector<std::shared_ptr<arrow::DataType>>>{
           {arrow::utf8()},
           {arrow::int64()},
           {arrow::boolean()},
           {arrow::float64()},
           {arrow::decimal128(20, 2)},
           {arrow::utf8(), arrow::utf8()},
           {arrow::utf8(), arrow::int32()},
           {arrow::int64(), arrow::int64()},
           {arrow::date32(), arrow::int8(), arrow::int16()},
           {arrow::utf8(), arrow::float64(), micros, arrow::boolean(), arrow::decimal128(9, 2)},
           {arrow::int16(), arrow::utf8(), arrow::int64(), arrow::utf8(), arrow::int8()}}) {
    const SchemaPtr schema = columns_of(types);
    INFO(schema->ToString());
    check_against_map(schema, {.seed = 1, .rows = 2000, .distinct = 5});
    check_against_map(schema, {.seed = 2, .rows = 3000, .batch_rows = 700, .distinct = 100});
    check_against_map(schema, {.seed = 3, .rows = 500, .distinct = 9, .nulls = 0});
  }
}

TEST_CASE("a null that comes late has a group of its own, and all others keep theirs") {
  const auto numbers = [](const char* json) {
    return arrow::json::ArrayFromJSONString(arrow::int64(), json).ValueOrDie();
  };
  Grouper one = Grouper::make({arrow::int64()}).value();
  CHECK(ids_of(one, {numbers("[7, 0, 7]")}) == Ids{0, 1, 0});
  CHECK(ids_of(one, {numbers("[0, null, 7, null, 9]")}) == Ids{1, 2, 0, 2, 3});
  CHECK(ids_of(one, {numbers("[9, 0, 7]")}) == Ids{3, 1, 0});
  const Ids all = {0, 1, 2, 3};
  CHECK(one.keys(all).value()[0]->Equals(*numbers("[7, 0, null, 9]")));

  Grouper two = Grouper::make({arrow::int64(), arrow::int64()}).value();
  CHECK(ids_of(two, {numbers("[0, 1]"), numbers("[1, 0]")}) == Ids{0, 1});
  CHECK(ids_of(two, {numbers("[null, 0, null]"), numbers("[1, 1, null]")}) == Ids{2, 0, 3});
  CHECK(two.keys(all).value()[1]->Equals(*numbers("[1, 0, 1, null]")));
}

TEST_CASE("more groups than the first table holds") {
  check_against_map(columns_of({arrow::int64()}),
                    {.seed = 4, .rows = 60'000, .batch_rows = 20'000, .distinct = 50'000});
  check_against_map(columns_of({arrow::utf8(), arrow::int32()}),
                    {.seed = 5, .rows = 20'000, .batch_rows = 9'000, .distinct = 300});
}

TEST_CASE("a dictionary that changes keeps the groups of its values") {
  Grouper grouper = Grouper::make({arrow::utf8()}).value();
  const auto first = coded("[0, 1, 0, null]", R"(["JFK", "LGA"])");
  CHECK(ids_of(grouper, {first}) == Ids{0, 1, 0, 2});
  CHECK(ids_of(grouper, {first->Slice(1, 3)}) == Ids{1, 0, 2});
  CHECK(ids_of(grouper, {coded("[0, 1, 2]", R"(["EWR", "JFK", "LGA"])")}) == Ids{3, 0, 1});
  CHECK(ids_of(grouper, {coded("[1, 0, 2]", R"(["LGA", null, "LGA"])")}) == Ids{2, 1, 1});
  CHECK(ids_of(grouper, {arrow::json::ArrayFromJSONString(arrow::utf8(), R"(["LGA", "BOS", null])")
                             .ValueOrDie()}) == Ids{1, 4, 2});
  CHECK(ids_of(grouper, {first}) == Ids{0, 1, 0, 2});
}

TEST_CASE("dictionaries too large for an array of their pairs give the same groups") {
  std::string entries = "[", codes = "[", reversed = "[";
  for (int i = 0; i < 400; ++i) {
    entries += fmt::format("{}\"{}\"", i ? "," : "", i);
    codes += fmt::format("{}{}", i ? "," : "", i);
    reversed += fmt::format("{}{}", i ? "," : "", 399 - i);
  }
  const auto up = coded(codes + "]", entries + "]"), down = coded(reversed + "]", entries + "]");
  Grouper grouper = Grouper::make({arrow::utf8(), arrow::utf8()}).value();
  const Ids ids = ids_of(grouper, {up, down});
  CHECK(grouper.size() == 400);
  CHECK(ids_of(grouper, {up->Slice(3, 5), down->Slice(3, 5)}) ==
        Ids(ids.begin() + 3, ids.begin() + 8));
}

TEST_CASE("nulls are one group, so is NaN, and the two zeros are one value") {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  arrow::DoubleBuilder builder;
  REQUIRE(builder.AppendValues(std::vector<double>{0.0, -0.0, nan, -nan, 1.0}).ok());
  REQUIRE(builder.AppendNulls(2).ok());
  Grouper grouper = Grouper::make({arrow::float64()}).value();
  CHECK(ids_of(grouper, {builder.Finish().ValueOrDie()}) == Ids{0, 0, 1, 1, 2, 3, 3});
}

TEST_CASE("what cannot be a key is refused when the grouper is made") {
  const auto refused = Grouper::make({arrow::int64(), arrow::list(arrow::int64())});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == ErrorCode::unsupported);
  CHECK_FALSE(Grouper::make(std::vector(33, arrow::int64())));
}
