// Arrow IPC: what is written comes back, as a file in parts and as a stream; dictionaries of
// strings stay; damage is found before it can do harm.
#include "runtime/formats/ipc_file.hpp"
#include "runtime/os/random.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/rows.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/support/typed_rows.hpp"

#include <arrow/array.h>
#include <arrow/compute/api_vector.h>
#include <arrow/compute/cast.h>
#include <arrow/datum.h>
#include <arrow/io/file.h>
#include <arrow/ipc/writer.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <fstream>

using namespace troupe;

namespace {

using Lines = std::vector<std::string>;

void write(const std::string& path, const std::vector<Batch>& batches, const SchemaPtr& schema,
           const std::string& compression = "lz4") {
  const auto writer = *write_ipc(system_files(), path, schema, compression);
  for (const Batch& batch : batches) REQUIRE(writer->write(batch));
  REQUIRE(writer->close());
}

Result<std::vector<Batch>> read_by(FileAccess access, const std::string& path,
                                   const SchemaPtr& columns, std::int64_t first,
                                   std::int64_t count) {
  const auto reader = TRY(read_ipc(system_files(), path, first, count, columns, access));
  return batches_of(*reader);
}

/// Reads it both ways, which must come to the same.
Result<std::vector<Batch>> read(const std::string& path, const SchemaPtr& columns,
                                std::int64_t first, std::int64_t count) {
  const auto copied = read_by(FileAccess::read, path, columns, first, count);
  const auto mapped = read_by(FileAccess::map, path, columns, first, count);
  CHECK(copied.ok() == mapped.ok());
  if (copied && mapped) CHECK(lines_of(*copied) == lines_of(*mapped));
  return copied;
}

void write_stream(const std::string& path, const Batch& batch) {
  const auto out = *arrow::io::FileOutputStream::Open(path);
  const auto writer = *arrow::ipc::MakeStreamWriter(out, batch.columns()->schema());
  REQUIRE(writer->WriteRecordBatch(*batch.columns()).ok());
  REQUIRE(writer->Close().ok());
  REQUIRE(out->Close().ok());
}

}  // namespace

TEST_CASE("IPC: rows of every type come back, whole and in parts") {
  TempDir dir;
  const std::string path = dir.path() + "/x.arrow";
  const SchemaPtr schema = every_type();
  const std::vector<std::string> codecs = {"lz4", "zstd", "none"};
  for (std::uint64_t seed = 1; seed <= 6; ++seed) {
    Random random(seed);
    std::vector<Batch> batches;
    for (std::uint64_t i = 0; i < 1 + random.below(4); ++i) {
      batches.push_back(random_batch(schema, static_cast<std::int64_t>(random.below(500)), random));
    }
    write(path, batches, schema, codecs[seed % 3]);
    const auto info = *ipc_info(system_files(), path);
    CHECK(info.schema->Equals(*schema));
    CHECK(info.batches == static_cast<std::int64_t>(batches.size()));
    std::vector<Batch> found;
    for (std::int64_t i = 0; i < info.batches; ++i) {
      const auto part = read(path, schema, i, 1);
      REQUIRE(part);
      found.insert(found.end(), part->begin(), part->end());
    }
    CHECK(difference(joined(batches, schema), joined(found, schema)) == "");
    CHECK(info.rows == joined(batches, schema).rows());
  }
}

TEST_CASE("IPC: the rows of a long file are known without reading it") {
  TempDir dir;
  const std::string path = dir.path() + "/x.arrow";
  const auto schema =
      arrow::schema({arrow::field("a", arrow::int64()), arrow::field("b", arrow::utf8())});
  Random random(1);
  std::vector<Batch> batches(100, random_batch(schema, 30, random));
  batches.push_back(random_batch(schema, 7, random));
  write(path, batches, schema);
  CHECK(ipc_info(system_files(), path)->rows == 3007);
  batches.insert(batches.begin(), 3, random_batch(schema, 300, random));
  write(path, batches, schema);
  const std::int64_t about = ipc_info(system_files(), path)->rows;
  CHECK(about > 3907 / 2);
  CHECK(about < 3907 * 2);
}

TEST_CASE("IPC: columns in the order asked for; none are still rows") {
  TempDir dir;
  const std::string path = dir.path() + "/x.arrow";
  const auto schema =
      arrow::schema({arrow::field("a", arrow::int64()), arrow::field("b", arrow::utf8())});
  write(path, {rows_from(schema, R"([{"a": 1, "b": "x"}])")}, schema);
  const auto turned = arrow::schema({schema->field(1), schema->field(0)});
  CHECK(lines_of(*read(path, turned, 0, 1)) == Lines{"x|1"});
  CHECK(read(path, arrow::schema(arrow::FieldVector{}), 0, 1)->front().rows() == 1);
}

TEST_CASE("IPC: streams are read too, dictionaries of strings stay, others are decoded") {
  TempDir dir;
  const std::string path = dir.path() + "/x.arrows";
  const auto strings =
      arrow::compute::DictionaryEncode(rows_from(arrow::schema({arrow::field("s", arrow::utf8())}),
                                                 R"([{"s": "x"}, {"s": null}, {"s": "x"}])")
                                           .columns()
                                           ->column(0))
          ->make_array();
  const auto narrow = *arrow::compute::Cast(
      *static_cast<const arrow::DictionaryArray&>(*strings).indices(), arrow::int8());
  const auto small = *arrow::DictionaryArray::FromArrays(
      narrow, static_cast<const arrow::DictionaryArray&>(*strings).dictionary());
  const auto numbers =
      arrow::compute::DictionaryEncode(*arrow::compute::Cast(*narrow, arrow::int64()))
          ->make_array();
  write_stream(path,
               Batch(arrow::RecordBatch::Make(arrow::schema({arrow::field("s", small->type()),
                                                             arrow::field("n", numbers->type())}),
                                              3, {small, numbers})));
  const auto info = *ipc_info(system_files(), path);
  CHECK(info.schema->field(0)->type()->Equals(*arrow::utf8()));
  CHECK(info.schema->field(1)->type()->Equals(*arrow::int64()));
  CHECK(info.rows == -1);
  const auto found = read(path, info.schema, 0, 1);
  REQUIRE(found);
  CHECK(found->front().columns()->column(0)->type()->Equals(
      *arrow::dictionary(arrow::int32(), arrow::utf8())));
  CHECK(lines_of(*found) == Lines{"x|0", "null|null", "x|0"});
}

TEST_CASE("IPC: damaged files are refused by name, or read; they never do harm") {
  TempDir dir;
  const std::string path = dir.path() + "/x.arrow";
  const SchemaPtr schema = every_type();
  Random random(3);
  write(path, {random_batch(schema, 300, random)}, schema, "none");
  const std::string whole = *system_files().read(path);
  for (const std::size_t length : {std::size_t{0}, whole.size() / 2, whole.size() - 1}) {
    REQUIRE(write_atomically(system_files(), path, whole.substr(0, length)));
    const auto info = ipc_info(system_files(), path);
    REQUIRE_FALSE(info);
    CHECK(info.error().code == ErrorCode::invalid_argument);
    CHECK(info.error().message.find(path) != std::string::npos);
  }
  int refused = 0;
  for (int round = 0; round < 150; ++round) {
    std::string bytes = whole;
    for (int i = 0; i < 4; ++i) bytes[random.below(bytes.size())] ^= char(1 + random.below(255));
    std::ofstream(path, std::ios::binary) << bytes;
    const auto info = ipc_info(system_files(), path);
    const auto found = info ? read(path, info->schema, 0, info->batches)
                            : Result<std::vector<Batch>>(info.error());
    if (found) lines_of(*found);
    refused += !found;
  }
  CHECK(refused > 0);
}
