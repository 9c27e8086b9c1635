// Any bytes as an Arrow IPC file or stream: see `FileTarget`. The corpus has files and streams,
// compressed or not, dictionaries, nested columns, and a public file that claims 275 GB.
#include "runtime/base/ensure.hpp"
#include "tests/fuzz/file_target.hpp"
#include "tests/support/typed_rows.hpp"

#include <arrow/api.h>
#include <arrow/io/file.h>
#include <arrow/ipc/reader.h>
#include <arrow/ipc/writer.h>
#include <arrow/json/from_string.h>
#include <arrow/util/compression.h>

using namespace troupe;

namespace {

using RowsPtr = std::shared_ptr<arrow::RecordBatch>;

/// Types that only IPC has, and the runtime maps.
RowsPtr odd_rows() {
  const auto words = arrow::dictionary(arrow::int8(), arrow::utf8());
  const auto list = arrow::large_list(arrow::int16());
  return arrow::RecordBatch::Make(
      arrow::schema({arrow::field("words", words), arrow::field("list", list),
                     arrow::field("view", arrow::utf8_view()),
                     arrow::field("large", arrow::large_utf8())}),
      3,
      {*arrow::DictionaryArray::FromArrays(
           words, *arrow::json::ArrayFromJSONString(arrow::int8(), "[1, null, 0]"),
           *arrow::json::ArrayFromJSONString(arrow::utf8(), R"(["x", "yy"])")),
       *arrow::json::ArrayFromJSONString(list, "[[1, 2], null, []]"),
       *arrow::json::ArrayFromJSONString(arrow::utf8_view(),
                                         R"(["short", "longer than twelve bytes", null])"),
       *arrow::json::ArrayFromJSONString(arrow::large_utf8(), R"(["a", null, "ccc"])")});
}

std::string file_of(const std::vector<RowsPtr>& batches, arrow::Compression::type compression,
                    bool stream) {
  return written_file([&](const std::string& path) {
    auto options = arrow::ipc::IpcWriteOptions::Defaults();
    options.use_threads = false;
    if (compression != arrow::Compression::UNCOMPRESSED) {
      options.codec = *arrow::util::Codec::Create(compression);
    }
    const auto out = *arrow::io::FileOutputStream::Open(path);
    const auto schema = batches.front()->schema();
    const auto writer = stream ? *arrow::ipc::MakeStreamWriter(out, schema, options)
                               : *arrow::ipc::MakeFileWriter(out, schema, options);
    for (const RowsPtr& rows : batches) {
      ENSURE(writer->WriteRecordBatch(*rows).ok(), "a sample cannot be written");
    }
    ENSURE(writer->Close().ok() && out->Close().ok(), "a sample cannot be written");
  });
}

arrow::Result<std::shared_ptr<arrow::Table>> reference(const std::string& path, const SchemaPtr&) {
  ARROW_ASSIGN_OR_RAISE(const auto file, arrow::io::ReadableFile::Open(path));
  ARROW_ASSIGN_OR_RAISE(const auto head, file->ReadAt(0, 6));
  auto options = arrow::ipc::IpcReadOptions::Defaults();
  options.use_threads = false;
  if (std::string_view(*head) != "ARROW1") {
    ARROW_RETURN_NOT_OK(file->Seek(0));
    ARROW_ASSIGN_OR_RAISE(const auto reader,
                          arrow::ipc::RecordBatchStreamReader::Open(
                              std::static_pointer_cast<arrow::io::InputStream>(file), options));
    return reader->ToTable();
  }
  ARROW_ASSIGN_OR_RAISE(const auto reader, arrow::ipc::RecordBatchFileReader::Open(file, options));
  return reader->ToTable();
}

const FileTarget target{"read.ipc", ".arrow", reference};

}  // namespace

std::vector<std::string> troupe::fuzz_corpus() {
  const std::vector<RowsPtr> all = {sample_rows(every_type()->field_names(), 40).columns(),
                                    sample_rows(every_type()->field_names(), 9).columns()};
  const std::vector<RowsPtr> odd = {odd_rows(), odd_rows()};
  return {file_of(all, arrow::Compression::UNCOMPRESSED, false),
          file_of(all, arrow::Compression::ZSTD, false),
          file_of(all, arrow::Compression::LZ4_FRAME, true),
          file_of(odd, arrow::Compression::UNCOMPRESSED, false),
          file_of(odd, arrow::Compression::UNCOMPRESSED, true),
          file_of(odd, arrow::Compression::ZSTD, true),
          data_file("damaged/length-275-gigabytes.arrow")};
}

int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  return run_file_input(target, bytes, size);
}
