// Any bytes as a Parquet file: see `FileTarget`. The corpus has every encoding, both page versions,
// dictionaries that are given up halfway, nested columns, and public files that are damaged.
#include "runtime/base/ensure.hpp"
#include "tests/fuzz/file_target.hpp"
#include "tests/support/typed_rows.hpp"

#include <arrow/api.h>
#include <arrow/io/file.h>
#include <arrow/json/from_string.h>
#include <parquet/arrow/reader.h>
#include <parquet/arrow/writer.h>
#include <parquet/properties.h>

using namespace troupe;

namespace {

using Properties = parquet::WriterProperties::Builder;

std::shared_ptr<arrow::Table> table_of(const Batch& rows) {
  return *arrow::Table::FromRecordBatches({rows.columns()});
}

Batch nested_rows() {
  const auto list = arrow::list(arrow::utf8());
  const auto object = arrow::struct_({arrow::field("n", arrow::int64()), arrow::field("l", list)});
  return Batch(arrow::RecordBatch::Make(
      arrow::schema({arrow::field("list", list), arrow::field("object", object)}), 3,
      {*arrow::json::ArrayFromJSONString(list, R"([["a", null], [], null])"),
       *arrow::json::ArrayFromJSONString(object, R"([{"n": 1, "l": ["x"]}, null, {"n": null}])")}));
}

std::string file_of(const std::shared_ptr<arrow::Table>& table, Properties& properties) {
  return written_file([&](const std::string& path) {
    const auto built = properties.build();
    const auto out = *arrow::io::FileOutputStream::Open(path);
    const auto arrow_properties = parquet::ArrowWriterProperties::Builder().store_schema()->build();
    const auto status = parquet::arrow::WriteTable(*table, arrow::default_memory_pool(), out, 40,
                                                   built, arrow_properties);
    ENSURE(status.ok() && out->Close().ok(), "{}", status.ToString());
  });
}

arrow::Result<std::shared_ptr<arrow::Table>> reference(const std::string& path, const SchemaPtr&) {
  ARROW_ASSIGN_OR_RAISE(const auto file, arrow::io::ReadableFile::Open(path));
  parquet::ArrowReaderProperties properties(false);
  properties.set_coerce_int96_timestamp_unit(arrow::TimeUnit::MICRO);
  parquet::arrow::FileReaderBuilder builder;
  ARROW_RETURN_NOT_OK(builder.Open(file));
  builder.properties(properties);
  ARROW_ASSIGN_OR_RAISE(const auto reader, builder.Build());
  return reader->ReadTable();
}

const FileTarget target{"read.parquet", ".parquet", reference};

}  // namespace

std::vector<std::string> troupe::fuzz_corpus() {
  const auto all = table_of(sample_rows(every_type()->field_names(), 90));
  const auto texts = table_of(sample_rows({"string", "int64"}, 90));
  Properties packed, plain, small, delta, split;
  packed.compression(parquet::Compression::ZSTD);
  plain.disable_dictionary()->data_page_version(parquet::ParquetDataPageVersion::V2);
  small.dictionary_pagesize_limit(40)->data_pagesize(64)->write_batch_size(8);
  small.compression(parquet::Compression::SNAPPY);
  delta.disable_dictionary();
  delta.encoding("string", parquet::Encoding::DELTA_BYTE_ARRAY);
  delta.encoding("int64", parquet::Encoding::DELTA_BINARY_PACKED);
  split.disable_dictionary()->encoding("int64", parquet::Encoding::BYTE_STREAM_SPLIT);
  split.encoding("string", parquet::Encoding::DELTA_LENGTH_BYTE_ARRAY);
  return {file_of(all, packed),
          file_of(all, plain),
          file_of(texts, small),
          file_of(texts, delta),
          file_of(texts, split),
          file_of(table_of(nested_rows()), plain),
          file_of(table_of(nested_rows()), packed),
          data_file("damaged/ARROW-GH-41321.parquet"),
          data_file("damaged/ARROW-GH-45185.parquet"),
          data_file("damaged/encrypt_columns_plaintext_footer.parquet.encrypted"),
          data_file("damaged/group-without-leaves.parquet")};
}

int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  return run_file_input(target, bytes, size);
}
