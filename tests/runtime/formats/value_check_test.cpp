// A value that its type does not hold is refused with file, place and column, or it is read as it
// is: times of day, decimals, integers that are declared narrower than they are, timestamps of 96
// bits. The files are such as no writer of ours makes.
#include "runtime/formats/value_check.hpp"

#include "runtime/formats/ipc_file.hpp"
#include "runtime/formats/null_values.hpp"
#include "runtime/formats/parquet_file.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/temp_dir.hpp"

#include <arrow/api.h>
#include <arrow/io/file.h>
#include <arrow/ipc/writer.h>
#include <arrow/json/from_string.h>
#include <parquet/arrow/writer.h>
#include <parquet/column_writer.h>
#include <parquet/file_writer.h>
#include <parquet/schema.h>

using namespace troupe;
using parquet::schema::GroupNode;
using parquet::schema::NodePtr;
using parquet::schema::PrimitiveNode;

namespace {

using ArrayPtr = std::shared_ptr<arrow::Array>;
constexpr std::int64_t day = 86'400'000'000;

template <class T>
T must(arrow::Result<T> result) {
  REQUIRE(result.ok());
  return *std::move(result);
}

ArrayPtr times(const std::vector<std::int64_t>& values) {
  arrow::Time64Builder builder(arrow::time64(arrow::TimeUnit::MICRO), arrow::default_memory_pool());
  REQUIRE(builder.AppendValues(values).ok());
  return must(builder.Finish());
}

ArrayPtr decimals(const std::vector<std::int64_t>& values) {
  arrow::Decimal128Builder builder(arrow::decimal128(4, 2));
  for (const std::int64_t value : values) REQUIRE(builder.Append(arrow::Decimal128(value)).ok());
  return must(builder.Finish());
}

std::shared_ptr<arrow::RecordBatch> one_column(const ArrayPtr& column) {
  return arrow::RecordBatch::Make(arrow::schema({arrow::field("c", column->type())}),
                                  column->length(), {column});
}

Result<std::vector<Batch>> all(Result<std::unique_ptr<BatchReader>> reader) {
  if (!reader) return reader.error();
  std::vector<Batch> batches;
  while (Batch batch = TRY((*reader)->next())) batches.push_back(std::move(batch));
  return batches;
}

Result<std::vector<Batch>> read_parquet(const std::string& path) {
  const auto file = TRY(ParquetFile::open(system_files(), path));
  std::vector<int> groups;
  for (int i = 0; i < file->row_groups(); ++i) groups.push_back(i);
  return all(file->read(std::move(groups), file->schema()->field_names()));
}

/// Of one column, "c", in row groups of two rows; what is said of it behind its path.
std::string parquet_refusal(const ArrayPtr& column) {
  const TempDir dir;
  const std::string path = dir.path() + "/x.parquet";
  const auto out = must(arrow::io::FileOutputStream::Open(path));
  const auto table = must(arrow::Table::FromRecordBatches({one_column(column)}));
  REQUIRE(parquet::arrow::WriteTable(*table, arrow::default_memory_pool(), out, 2).ok());
  REQUIRE(out->Close().ok());
  const auto rows = read_parquet(path);
  REQUIRE_FALSE(rows);
  CHECK(rows.error().code == ErrorCode::invalid_argument);
  REQUIRE(rows.error().message.starts_with("'" + path + "'"));
  return rows.error().message.substr(path.size() + 2);
}

Result<std::vector<Batch>> read_as_ipc(const std::string& path, const ArrayPtr& column) {
  const auto out = must(arrow::io::FileOutputStream::Open(path));
  const auto rows = one_column(column);
  const auto writer = must(arrow::ipc::MakeFileWriter(out, rows->schema()));
  REQUIRE(writer->WriteRecordBatch(*rows).ok());
  REQUIRE(writer->Close().ok());
  REQUIRE(out->Close().ok());
  return all(read_ipc(system_files(), path, 0, 1, TRY(ipc_info(system_files(), path)).schema));
}

std::string ipc_refusal(const ArrayPtr& column) {
  const TempDir dir;
  const std::string path = dir.path() + "/x.arrow";
  const auto read = read_as_ipc(path, column);
  REQUIRE_FALSE(read);
  CHECK(read.error().code == ErrorCode::invalid_argument);
  REQUIRE(read.error().message.starts_with("'" + path + "'"));
  return read.error().message.substr(path.size() + 2);
}

/// Lists of one value each.
ArrayPtr in_lists(const ArrayPtr& items) {
  arrow::Int32Builder offsets;
  for (int i = 0; i <= items->length(); ++i) REQUIRE(offsets.Append(i).ok());
  return must(arrow::ListArray::FromArrays(*must(offsets.Finish()), *items));
}

/// A Parquet file of one leaf, below `above`, with these values as they are in one row group.
template <class Type>
Result<std::vector<Batch>> leaf(const NodePtr& column,
                                const std::vector<typename Type::c_type>& values,
                                bool list = false) {
  const TempDir dir;
  const std::string path = dir.path() + "/x.parquet";
  const auto out = must(arrow::io::FileOutputStream::Open(path));
  const auto schema = std::static_pointer_cast<GroupNode>(
      GroupNode::Make("schema", parquet::Repetition::REQUIRED, {column}));
  const auto writer = parquet::ParquetFileWriter::Open(out, schema);
  auto& chunk =
      static_cast<parquet::TypedColumnWriter<Type>&>(*writer->AppendRowGroup()->NextColumn());
  const std::vector<std::int16_t> defined(values.size(), 1);
  const std::vector<std::int16_t> first(values.size(), 0);
  chunk.WriteBatch(static_cast<std::int64_t>(values.size()), list ? defined.data() : nullptr,
                   list ? first.data() : nullptr, values.data());
  writer->Close();
  REQUIRE(out->Close().ok());
  return read_parquet(path);
}

NodePtr integer(int bits, bool is_signed, parquet::Repetition::type repetition) {
  return PrimitiveNode::Make("c", repetition, parquet::LogicalType::Int(bits, is_signed),
                             parquet::Type::INT32);
}

NodePtr int96() {
  return PrimitiveNode::Make("c", parquet::Repetition::REQUIRED, parquet::Type::INT96);
}

parquet::Int96 moment(std::uint64_t nanoseconds, std::uint32_t julian_day) {
  parquet::Int96 value{};
  std::memcpy(value.value.data(), &nanoseconds, sizeof nanoseconds);
  value.value[2] = julian_day;
  return value;
}

std::string end_of(const Result<std::vector<Batch>>& refused) {
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == ErrorCode::invalid_argument);
  return refused.error().message.substr(refused.error().message.find("' is damaged: ") + 14);
}

}  // namespace

TEST_CASE("a time of day outside of its day is refused with its place, nulls are not looked at") {
  const std::string wrong = "86400000000 is outside of a day of 86400000000 units";
  CHECK(parquet_refusal(times({0, day - 1, 1, day})) ==
        " is damaged: row group 1, row 2, column 'c': " + wrong);
  CHECK(parquet_refusal(in_lists(times({0, 5, day, -1}))) ==
        " is damaged: row group 1, row 1, column 'c': " + wrong);
  CHECK(parquet_refusal(times({0, -1})).ends_with("-1 is outside of a day of 86400000000 units"));
  CHECK(ipc_refusal(times({0, day - 1, day})) ==
        " is damaged: record batch 0, column 'c', row 3: " + wrong);
  CHECK(ipc_refusal(in_lists(times({0, day})))
            .starts_with(" is damaged: record batch 0, column 'c': "));
  auto data = times({day, 0})->data()->Copy();
  data->buffers[0] = must(arrow::AllocateEmptyBitmap(2));
  data->null_count = 2;
  CHECK_FALSE(first_bad_value(*arrow::MakeArray(data)));
}

TEST_CASE("a decimal beyond its precision is refused with its place") {
  const std::string wrong = "123.45 has more than the 4 digits of its type";
  CHECK(parquet_refusal(decimals({9999, -9999, 12345})) ==
        " is damaged: row group 1, row 1, column 'c': " + wrong);
  CHECK(ipc_refusal(decimals({9999, -9999, 12345})) ==
        " is damaged: record batch 0, column 'c', row 3: " + wrong);
  const ArrayPtr inside = must(arrow::StructArray::Make({times({0, 1}), decimals({1, -12345})},
                                                        std::vector<std::string>{"t", "d"}));
  CHECK(first_bad_value(*inside)->row == 1);
  CHECK(parquet_refusal(inside).ends_with("row group 0, row 2, column 'c': -" + wrong));
}

TEST_CASE("Parquet: an integer beyond its declared bits is refused, flat or in lists") {
  using Int32 = parquet::Int32Type;
  struct Case {
    int bits;
    bool is_signed;
    std::vector<std::int32_t> good;
    std::int32_t bad;
  };
  const std::vector<Case> cases = {{8, true, {-128, 127}, 128},        {8, true, {0, 1}, -129},
                                   {8, false, {0, 255}, 256},          {8, false, {0, 200}, -1},
                                   {16, true, {-32768, 32767}, 65536}, {16, false, {0, 65535}, -1}};
  for (const Case& one : cases) {
    for (const auto repetition : {parquet::Repetition::REQUIRED, parquet::Repetition::REPEATED}) {
      const bool list = repetition == parquet::Repetition::REPEATED;
      const NodePtr column = integer(one.bits, one.is_signed, repetition);
      const auto read = leaf<Int32>(column, one.good, list);
      REQUIRE(read);
      auto values = read->front().columns()->column(0);
      if (list) values = static_cast<const arrow::ListArray&>(*values).values();
      for (std::int64_t i = 0; i < 2; ++i) {
        CHECK(must(values->GetScalar(i))->ToString() ==
              std::to_string(one.good[static_cast<std::size_t>(i)]));
      }
      auto wrong = one.good;
      wrong.push_back(one.bad);
      CHECK(end_of(leaf<Int32>(column, wrong, list)) ==
            fmt::format("row group 0, column 'c': row 3: {} is no {}int{}", one.bad,
                        one.is_signed ? "" : "u", one.bits));
    }
  }
}

TEST_CASE("Parquet: a timestamp of 96 bits is read to the microsecond, or refused") {
  using Int96 = parquet::Int96Type;
  const auto read = leaf<Int96>(int96(), {moment(1'000, 2'440'588), moment(0, 5'373'484)});
  REQUIRE(read);
  const auto& moments =
      static_cast<const arrow::TimestampArray&>(*read->front().columns()->column(0));
  CHECK(moments.Value(0) == 1);
  CHECK(moments.Value(1) == std::int64_t{5'373'484 - 2'440'588} * day);
  const auto refused = [](std::uint64_t nanoseconds, std::uint32_t julian_day) {
    return end_of(leaf<Int96>(int96(), {moment(0, 2'440'588), moment(nanoseconds, julian_day)}));
  };
  CHECK(refused(1'001, 2'440'589) ==
        "row group 0, column 'c': row 2: 1 days after 1970-01-01 and 1001 nanoseconds is no "
        "timestamp: INT96 is read as microseconds, and it would be rounded");
  CHECK(refused(86'400'000'000'000, 2'440'588).ends_with("a day has fewer"));
  CHECK(refused(0, UINT32_MAX).ends_with("it is too far away"));
}

TEST_CASE("IPC: nobody looks behind a null") {
  const ArrayPtr views = must(arrow::json::ArrayFromJSONString(
      arrow::utf8_view(), R"(["longer than twelve bytes", null, "x"])"));
  auto data = views->data()->Copy();
  auto bytes = must(arrow::AllocateBuffer(data->buffers[1]->size()));
  std::memcpy(bytes->mutable_data(), data->buffers[1]->data(),
              static_cast<std::size_t>(bytes->size()));
  std::memset(bytes->mutable_data() + 16, 0x7f, 16);  // far away, in a buffer that is not there
  data->buffers[1] = std::move(bytes);
  const TempDir dir;
  const auto read = read_as_ipc(dir.path() + "/x.arrow", arrow::MakeArray(data));
  REQUIRE(read);
  CHECK(read->front().columns()->column(0)->Equals(*must(arrow::json::ArrayFromJSONString(
      arrow::utf8(), R"(["longer than twelve bytes", null, "x"])"))));
  const auto words = arrow::dictionary(arrow::int32(), arrow::utf8());
  arrow::Int32Builder indices;
  REQUIRE(indices.AppendValues({0, 1'000'000, 0}, {true, false, true}).ok());
  auto coded = must(indices.Finish())->data()->Copy();
  const_cast<std::int32_t*>(coded->GetValues<std::int32_t>(1))[1] = 1'000'000;
  coded->type = words;
  coded->dictionary = must(arrow::json::ArrayFromJSONString(arrow::utf8(), R"(["a"])"))->data();
  const auto column = with_empty_nulls(arrow::MakeArray(coded));
  CHECK(static_cast<const arrow::DictionaryArray&>(*column).GetValueIndex(1) == 0);
  CHECK(column->IsNull(1));
}

TEST_CASE("Parquet: a dictionary that is not plain is refused") {
  const TempDir dir;
  const std::string path = dir.path() + "/x.parquet";
  const auto out = must(arrow::io::FileOutputStream::Open(path));
  const ArrayPtr words = must(arrow::json::ArrayFromJSONString(arrow::utf8(), R"(["a", "b"])"));
  const auto table = must(arrow::Table::FromRecordBatches({one_column(words)}));
  REQUIRE(parquet::arrow::WriteTable(*table, arrow::default_memory_pool(), out).ok());
  REQUIRE(out->Close().ok());
  // The header of the dictionary's page: a struct with two values, and their encoding.
  std::string bytes = *system_files().read(path);
  const std::size_t header = bytes.find("\x4c\x15\x04\x15");
  REQUIRE(header < 40);
  bytes[header + 4] = 2 * parquet::Encoding::DELTA_BINARY_PACKED;
  REQUIRE(write_atomically(system_files(), path, bytes));
  CHECK(end_of(read_parquet(path)) ==
        "row group 0, column 'c': a dictionary in an encoding of its own");
}
