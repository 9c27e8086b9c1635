// take: a naive twin (Arrow's own take) gives the same rows for every kind of column, sliced or
// not; dictionaries stay shared. concat: decodes where encodings differ, and loses nothing.
#include "runtime/data/take.hpp"

#include "tests/support/catch.hpp"

#include <arrow/array.h>
#include <arrow/compute/api.h>
#include <arrow/json/from_string.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

using namespace troupe;

namespace {

std::shared_ptr<arrow::Array> array_of(const std::shared_ptr<arrow::DataType>& type,
                                       const std::string& json) {
  return arrow::json::ArrayFromJSONString(type, json).ValueOrDie();
}

}  // namespace

TEST_CASE("take agrees with Arrow for every kind of column") {
  const auto words = arrow::dictionary(arrow::int32(), arrow::utf8());
  const std::vector<std::shared_ptr<arrow::Array>> columns = {
      array_of(arrow::int64(), "[1, null, 3, 4, 5]"),
      array_of(arrow::int8(), "[1, 2, 3, 4, 5]"),
      array_of(arrow::date32(), "[1, 2, null, 4, 5]"),
      array_of(arrow::float32(), "[1.5, 2, null, 4, 5]"),
      array_of(arrow::boolean(), "[true, null, false, true, false]"),
      array_of(arrow::utf8(), R"(["a", null, "", "dd", "e"])"),
      array_of(arrow::decimal128(20, 2), R"(["1.00", "2.50", null, "4.00", "5.25"])"),
      array_of(words, R"(["x", "y", null, "x", "y"])"),
      array_of(arrow::list(arrow::int32()), "[[1], null, [], [2, 3], [4]]"),
      array_of(arrow::null(), "[null, null, null, null, null]"),
  };
  const std::vector<std::uint32_t> rows = {3, 0, 2, 2, no_row, 1};
  const std::vector<std::uint32_t> present = {1, 1, 0};
  const auto indices = array_of(arrow::uint32(), "[3, 0, 2, 2, null, 1]");
  for (const auto& column : columns) {
    INFO(column->type()->ToString());
    const auto twin = arrow::compute::Take(column, indices).ValueOrDie().make_array();
    CHECK(take(*column, rows)->get()->Equals(*twin));
    const auto slice = column->Slice(1);
    const auto twin_slice = arrow::compute::Take(slice, indices).ValueOrDie().make_array();
    CHECK(take(*slice, rows)->get()->Equals(*twin_slice));
    CHECK(take(*slice, rows)->get()->ValidateFull().ok());
    CHECK(take(*slice, present)->get()->length() == 3);
  }
}

TEST_CASE("take shares the dictionary") {
  const auto encoded =
      array_of(arrow::dictionary(arrow::int32(), arrow::utf8()), R"(["x", "y", null])");
  const auto taken = *take(*encoded, std::vector<std::uint32_t>{2, 1});
  CHECK(taken->data()->dictionary == encoded->data()->dictionary);
  CHECK((*plain(taken))->Equals(*array_of(arrow::utf8(), R"([null, "y"])")));
}

TEST_CASE("concat unites dictionaries, and decodes where encodings differ") {
  const auto words = arrow::dictionary(arrow::int32(), arrow::utf8());
  const auto first = array_of(words, R"(["x", "y"])");
  const auto second = array_of(words, R"(["z", null, "x"])");
  const auto united = *concat({first, second});
  CHECK(united->type_id() == arrow::Type::DICTIONARY);
  CHECK((*plain(united))->Equals(*array_of(arrow::utf8(), R"(["x", "y", "z", null, "x"])")));

  // Two rows of five words: not worth a dictionary of all of them.
  const auto some = *take(*array_of(words, R"(["a", "b", "c"])"), std::vector<std::uint32_t>{2});
  const auto others = *take(*array_of(words, R"(["d", null, "e"])"), std::vector<std::uint32_t>{1});
  CHECK((*concat({some, others}))->Equals(*array_of(arrow::utf8(), R"(["c", null])")));
  const auto same = *take(*array_of(words, R"(["a", "b", "c"])"), std::vector<std::uint32_t>{0});
  CHECK((*concat({same, same}))->type_id() == arrow::Type::DICTIONARY);

  const auto schema = arrow::schema({arrow::field("w", arrow::utf8())});
  const Batch a(arrow::RecordBatch::Make(schema, 2, {first}));
  const Batch b(arrow::RecordBatch::Make(schema, 1, {array_of(arrow::utf8(), R"(["q"])")}));
  const Batch both = *concat({a, b});
  CHECK(both.rows() == 3);
  CHECK(both.columns()->column(0)->Equals(*array_of(arrow::utf8(), R"(["x", "y", "q"])")));
  CHECK(both.columns()->schema()->field(0)->type()->Equals(arrow::utf8()));
}
