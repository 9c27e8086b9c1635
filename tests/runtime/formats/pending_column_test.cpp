// Batches end by bytes: whatever way a column lies in its file, what is taken of it at once fits,
// in order, and nothing is lost.
#include "runtime/formats/pending_column.hpp"

#include "runtime/formats/parquet_file.hpp"
#include "tests/support/catch.hpp"

#include <arrow/array.h>
#include <arrow/array/concatenate.h>
#include <arrow/buffer.h>
#include <arrow/builder.h>
#include <arrow/compute/api.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <cstring>
#include <sys/mman.h>

using namespace troupe;

namespace {

using ArrayPtr = std::shared_ptr<arrow::Array>;

constexpr std::int64_t large = column_bytes_max / 3;

/// Texts of these lengths, each of its own letter.
ArrayPtr texts(const std::vector<std::int64_t>& lengths) {
  arrow::StringBuilder builder;
  char letter = 'a';
  for (const std::int64_t length : lengths) {
    REQUIRE(builder.Append(std::string(static_cast<std::size_t>(length), letter++)).ok());
  }
  return *builder.Finish();
}

/// Takes all of it, and returns how many rows each time.
std::vector<std::int64_t> taken(const ArrayPtr& values, const ArrayPtr& expected) {
  PendingColumn column(expected->type());
  REQUIRE(column.fill(values));
  std::vector<std::int64_t> counts;
  arrow::ArrayVector pieces;
  while (column.rows() > 0) {
    counts.push_back(column.fitting(column.rows()));
    pieces.push_back(*arrow::compute::Cast(**column.take(counts.back()), expected->type()));
  }
  CHECK((*arrow::Concatenate(pieces))->Equals(*expected));
  return counts;
}

}  // namespace

TEST_CASE("what is taken at once fits, whatever the column's type in its file is") {
  const ArrayPtr plain = texts({large, large, 5, large, large, 4 * large, 1, 2});
  const std::vector<std::int64_t> counts = {3, 2, 1, 2};
  CHECK(taken(plain, plain) == counts);
  CHECK(taken(*arrow::compute::Cast(*plain, arrow::large_utf8()), plain) == counts);
  CHECK(taken(*arrow::compute::Cast(*plain, arrow::utf8_view()), plain) == counts);
  CHECK(taken(arrow::compute::DictionaryEncode(plain)->make_array(), plain) == counts);
  const auto bytes = *arrow::compute::Cast(*plain, arrow::binary());
  CHECK(taken(*arrow::compute::Cast(*plain, arrow::large_binary()), bytes) == counts);
}

TEST_CASE("lists and structs are cut too, and small columns never are") {
  const ArrayPtr plain = texts({large, large, large, large});
  const ArrayPtr object = *arrow::StructArray::Make({plain}, {"s"});
  CHECK(taken(object, object) == std::vector<std::int64_t>{2, 2});
  const ArrayPtr small = texts(std::vector<std::int64_t>(1000, 20));
  CHECK(taken(small, small) == std::vector<std::int64_t>{1000});
  arrow::Int64Builder numbers;
  REQUIRE(numbers.AppendValues(std::vector<std::int64_t>(70'000, 7)).ok());
  const ArrayPtr counted = *numbers.Finish();
  CHECK(taken(counted, counted) == std::vector<std::int64_t>{70'000});
}

TEST_CASE("texts that stand beyond 2 GiB of their array can be taken") {
  // The bytes before them are a null's, which nobody reads: they are only reserved.
  const std::int64_t before = (std::int64_t{1} << 31) + 5;
  const std::int64_t size = before + 6;
  void* memory = ::mmap(nullptr, static_cast<std::size_t>(size), PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  REQUIRE(memory != MAP_FAILED);
  auto* bytes = static_cast<std::uint8_t*>(memory);
  std::memcpy(bytes + before, "abcdef", 6);
  const std::vector<std::int64_t> offsets = {0, before, before + 2, size};
  const std::uint8_t valid = 0b110;
  {
    const auto array = arrow::MakeArray(arrow::ArrayData::Make(
        arrow::large_utf8(), 3,
        {std::make_shared<arrow::Buffer>(&valid, 1), arrow::Buffer::Wrap(offsets),
         std::make_shared<arrow::Buffer>(bytes, size)}));
    PendingColumn column(arrow::utf8());
    REQUIRE(column.fill(array->Slice(1)));
    const auto found = column.take(2);
    REQUIRE(found);
    CHECK(static_cast<const arrow::StringArray&>(**found).GetView(0) == "ab");
    CHECK(static_cast<const arrow::StringArray&>(**found).GetView(1) == "cdef");
  }
  ::munmap(memory, static_cast<std::size_t>(size));
}

TEST_CASE("a row group with more than 2 GiB of text in a column reads, in batches that are small") {
  const auto file =
      *ParquetFile::open(system_files(), TROUPE_TEST_DATA "/text-2.5-gigabytes.parquet");
  const auto reader = *file->read({0}, {"i", "h"});
  std::int64_t rows = 0;
  std::int64_t bytes = 0;
  while (const Batch batch = *reader->next()) {
    const auto& texts = static_cast<const arrow::StringArray&>(*batch.columns()->column(1));
    const auto& numbers = static_cast<const arrow::Int64Array&>(*batch.columns()->column(0));
    CHECK(texts.total_values_length() <= column_bytes_max);
    bytes += texts.total_values_length();
    for (std::int64_t i = 0; i < batch.rows(); ++i) REQUIRE(numbers.Value(i) == rows++);
  }
  CHECK(rows == 500);
  CHECK(bytes == std::int64_t{500} * 5'068'563);
}
