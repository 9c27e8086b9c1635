// Batch::bytes: Arrow's own list of the bytes that are used is the twin, for every kind of column,
// sliced or not.
#include "runtime/data/batch.hpp"

#include "tests/support/catch.hpp"

#include <arrow/array.h>
#include <arrow/json/from_string.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <arrow/util/byte_size.h>

using namespace troupe;

namespace {

std::shared_ptr<arrow::Array> array_of(const std::shared_ptr<arrow::DataType>& type,
                                       const std::string& json) {
  return arrow::json::ArrayFromJSONString(type, json).ValueOrDie();
}

Batch batch_of(const std::shared_ptr<arrow::Array>& column) {
  return Batch(arrow::RecordBatch::Make(arrow::schema({arrow::field("c", column->type())}),
                                        column->length(), {column}));
}

}  // namespace

TEST_CASE("the bytes of a batch are those that its rows use") {
  const auto words = arrow::dictionary(arrow::int32(), arrow::utf8());
  const std::vector<std::shared_ptr<arrow::Array>> columns = {
      array_of(arrow::int64(), "[1, null, 3, 4, 5, 6, 7, 8, 9]"),
      array_of(arrow::int8(), "[1, 2, 3, 4, 5, 6, 7, 8, 9]"),
      array_of(arrow::boolean(), "[true, null, false, true, false, true, true, true, false]"),
      array_of(arrow::utf8(), R"(["a", null, "", "dd", "e", "fff", "g", "h", "i"])"),
      array_of(arrow::large_utf8(), R"(["a", "b", "", "dd", "e", "fff", "g", "h", "i"])"),
      array_of(arrow::decimal128(20, 2), R"(["1.00", "2.50", null, "4.00", "5.25", "1.00", null,
                                             "2.00", "3.00"])"),
      array_of(arrow::decimal64(10, 2), R"(["1.00", "2.50", "4.00", "5.25", "1.00", "0.00", "1.00",
                                            "2.00", "3.00"])"),
      array_of(words, R"(["x", "yy", null, "x", "yy", "x", "x", "x", "z"])"),
      array_of(arrow::list(arrow::int32()), "[[1], null, [], [2, 3], [4], [], [5], [6], [7]]"),
      array_of(arrow::null(), "[null, null, null, null, null, null, null, null, null]"),
  };
  for (const auto& column : columns) {
    for (const auto& part : {column, column->Slice(0, 8), column->Slice(8)}) {
      INFO(part->type()->ToString() << " " << part->offset() << " " << part->length());
      CHECK(batch_of(part).bytes() == arrow::util::ReferencedBufferSize(*part).ValueOrDie());
    }
  }
  CHECK(Batch().bytes() == 0);
  CHECK(batch_of(columns[3]->Slice(3, 0)).bytes() == 0);
  const auto two =
      arrow::schema({arrow::field("a", columns[0]->type()), arrow::field("b", columns[3]->type())});
  CHECK(Batch(arrow::RecordBatch::Make(two, 9, {columns[0], columns[3]})).bytes() ==
        batch_of(columns[0]).bytes() + batch_of(columns[3]).bytes());
}
