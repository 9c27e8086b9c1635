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

#include <algorithm>

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

std::int64_t leaves_of(const arrow::DataType& type) {
  if (type.num_fields() == 0) return 1;
  std::int64_t leaves = 0;
  for (const auto& field : type.fields()) leaves += leaves_of(*field->type());
  return leaves;
}

/// A column is given up as a dictionary when that has so many bytes. The table by which its values
/// are found takes up to sixteen times as many, in every column at once.
std::int64_t dictionary_bytes_max(const arrow::Schema& schema, std::int64_t bytes_max) {
  constexpr std::int64_t table_bytes = 16;
  const std::int64_t columns =
      std::max<std::int64_t>(1, leaves_of(*arrow::struct_(schema.fields())));
  return std::clamp<std::int64_t>(bytes_max / 2 / table_bytes / columns, 16 << 10,
                                  parquet::DEFAULT_DICTIONARY_PAGE_SIZE_LIMIT);
}

/// What a writer holds is what it has taken from its own pool.
class ParquetWriter final : public BatchWriter {
 public:
  using Rows = std::unique_ptr<parquet::arrow::FileWriter>;

  ParquetWriter(std::unique_ptr<OutputFile> file, std::unique_ptr<arrow::MemoryPool> memory,
                Rows rows, std::int64_t bytes_max)
      : file_(std::move(file)),
        memory_(std::move(memory)),
        rows_(std::move(rows)),
        bytes_max_(bytes_max) {}

  Result<> write(const Batch& batch) override {
    const auto plain = TRY(without_dictionaries(batch));
    if (group_bytes_ >= group_bytes_max || held_bytes() > bytes_max_) TRY(let_go());
    group_bytes_ += Batch(plain).bytes();
    return run([&] { return rows_->WriteRecordBatch(*plain); });
  }

  std::int64_t held_bytes() const override { return memory_->bytes_allocated(); }

  Result<> let_go() override {
    if (group_bytes_ < group_bytes_min) return {};
    group_bytes_ = 0;
    return run([&] { return rows_->NewBufferedRowGroup(); });
  }

  Result<> close() override {
    TRY(run([&] { return rows_->Close(); }));
    return file_->finish();
  }

 private:
  /// A smaller row group is worth nothing: what is held is held by each column without rows, too.
  static constexpr std::int64_t group_bytes_min = std::int64_t{256} << 10;
  /// A row group is held until it is full; rows of more than 64 bytes fill one sooner.
  static constexpr std::int64_t group_bytes_max = std::int64_t{64} << 20;

  template <class Step>
  Result<> run(Step&& step) {
    const arrow::Status status = parquet_call(step);
    if (!status.ok()) return write_error(file_->path(), status);
    return {};
  }

  std::unique_ptr<OutputFile> file_;
  std::unique_ptr<arrow::MemoryPool> memory_;
  Rows rows_;
  const std::int64_t bytes_max_;
  std::int64_t group_bytes_ = 0;  ///< of rows written since a row group was begun for their size
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
    return make_error(ErrorCode::invalid_argument, "there is no compression '{}'",
                      options.compression);
  }
  std::unique_ptr<arrow::MemoryPool> memory =
      std::make_unique<arrow::ProxyMemoryPool>(arrow::default_memory_pool());
  const auto properties =
      parquet::WriterProperties::Builder()
          .memory_pool(memory.get())
          ->dictionary_pagesize_limit(dictionary_bytes_max(*schema, options.bytes_max))
          ->compression(*compression)
          ->max_row_group_length(options.row_group_rows)
          ->version(parquet::ParquetVersion::PARQUET_2_6)
          ->created_by("troupe")
          ->build();
  // The Arrow schema is kept beside: it holds names of time zones, which Parquet does not.
  const auto arrow_properties = parquet::ArrowWriterProperties::Builder().store_schema()->build();
  auto file = TRY(OutputFile::create(files, path));
  auto rows = parquet_call([&] {
    return parquet::arrow::FileWriter::Open(*schema, memory.get(), file->stream(), properties,
                                            arrow_properties);
  });
  if (!rows.ok()) return write_error(path, rows.status());
  return std::unique_ptr<BatchWriter>(std::make_unique<ParquetWriter>(
      std::move(file), std::move(memory), *std::move(rows), options.bytes_max));
}

}  // namespace troupe
