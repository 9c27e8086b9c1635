#include "runtime/formats/parquet_writer.hpp"

#include "runtime/formats/column_types.hpp"
#include "runtime/formats/output_file.hpp"
#include "runtime/formats/parquet_error.hpp"

#include <arrow/memory_pool.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <arrow/util/compression.h>
#include <parquet/arrow/writer.h>
#include <parquet/properties.h>

namespace troupe {
namespace {

Error write_error(const std::string& path, const arrow::Status& status) {
  return from_arrow(status).within(fmt::format("writing '{}'", path));
}

/// Arrow's name of a compression; its "lz4" is the framed one, which Parquet does not have.
std::string codec_name(const std::string& compression) {
  if (compression == "none") return "uncompressed";
  return compression == "lz4" ? "lz4_raw" : compression;
}

class ParquetWriter final : public BatchWriter {
 public:
  ParquetWriter(std::unique_ptr<OutputFile> file, std::unique_ptr<parquet::arrow::FileWriter> rows)
      : file_(std::move(file)), rows_(std::move(rows)) {}

  Result<> write(const Batch& batch) override {
    const auto plain = TRY(without_dictionaries(batch));
    if (held_bytes_ >= held_bytes_max) {
      TRY(run([&] { return rows_->NewBufferedRowGroup(); }));
      held_bytes_ = 0;
    }
    held_bytes_ += Batch(plain).bytes();
    return run([&] { return rows_->WriteRecordBatch(*plain); });
  }

  Result<> close() override {
    TRY(run([&] { return rows_->Close(); }));
    return file_->finish();
  }

 private:
  /// A row group is held until it is full; rows of more than 64 bytes fill one sooner.
  static constexpr std::int64_t held_bytes_max = std::int64_t{64} << 20;

  template <class Step>
  Result<> run(Step&& step) {
    const arrow::Status status = parquet_call(step);
    if (!status.ok()) return write_error(file_->path(), status);
    return {};
  }

  std::unique_ptr<OutputFile> file_;
  std::unique_ptr<parquet::arrow::FileWriter> rows_;
  std::int64_t held_bytes_ = 0;  ///< of rows written since a row group was begun for their size
};

bool in_parquet(const arrow::DataType& type) {
  switch (type.id()) {
    case arrow::Type::INTERVAL_MONTH_DAY_NANO:
      return false;
    case arrow::Type::STRUCT:
      return type.num_fields() > 0;
    case arrow::Type::DECIMAL128:
    case arrow::Type::DECIMAL256:
      return static_cast<const arrow::DecimalType&>(type).scale() >= 0;
    default:
      return true;
  }
}

}  // namespace

Result<> check_parquet_schema(const arrow::Schema& schema) {
  return check_columns(schema, "Parquet", in_parquet, "write IPC");
}

Result<std::unique_ptr<BatchWriter>> write_parquet(FileSystem& files, const std::string& path,
                                                   const SchemaPtr& schema,
                                                   const ParquetWriteOptions& options) {
  TRY(check_parquet_schema(*schema));
  const auto compression = arrow::util::Codec::GetCompressionType(codec_name(options.compression));
  if (!compression.ok()) {
    return fail(ErrorCode::invalid_argument, "there is no compression '{}'", options.compression);
  }
  const auto properties = parquet::WriterProperties::Builder()
                              .compression(*compression)
                              ->max_row_group_length(options.row_group_rows)
                              ->version(parquet::ParquetVersion::PARQUET_2_6)
                              ->created_by("troupe")
                              ->build();
  // The Arrow schema is kept beside: it holds names of time zones, which Parquet does not.
  const auto arrow_properties = parquet::ArrowWriterProperties::Builder().store_schema()->build();
  auto file = TRY(OutputFile::create(files, path));
  auto rows = parquet_call([&] {
    return parquet::arrow::FileWriter::Open(*schema, arrow::default_memory_pool(), file->stream(),
                                            properties, arrow_properties);
  });
  if (!rows.ok()) return write_error(path, rows.status());
  return std::unique_ptr<BatchWriter>(
      std::make_unique<ParquetWriter>(std::move(file), *std::move(rows)));
}

}  // namespace troupe
