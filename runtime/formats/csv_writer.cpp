#include "runtime/data/arrow_result.hpp"
#include "runtime/formats/column_types.hpp"
#include "runtime/formats/csv_file.hpp"
#include "runtime/formats/output_file.hpp"

#include <arrow/array.h>
#include <arrow/csv/writer.h>
#include <arrow/io/memory.h>
#include <arrow/ipc/writer.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

namespace troupe {
namespace {

/// Times with a zone are written in UTC: the offsets that zones had before they were standard have
/// seconds, which the text of an offset does not.
SchemaPtr in_utc(const SchemaPtr& schema) {
  arrow::FieldVector fields = schema->fields();
  for (auto& field : fields) {
    if (field->type()->id() != arrow::Type::TIMESTAMP) continue;
    const auto& type = static_cast<const arrow::TimestampType&>(*field->type());
    if (type.timezone().empty()) continue;
    field = field->WithType(arrow::timestamp(type.unit(), "UTC"));
  }
  return arrow::schema(std::move(fields));
}

class CsvWriter final : public BatchWriter {
 public:
  CsvWriter(std::unique_ptr<OutputFile> file, std::shared_ptr<arrow::ipc::RecordBatchWriter> rows,
            SchemaPtr schema)
      : file_(std::move(file)), rows_(std::move(rows)), schema_(std::move(schema)) {}

  Result<> write(const Batch& batch) override {
    const auto plain = TRY(without_dictionaries(batch));
    arrow::ArrayVector columns;
    for (int i = 0; i < plain->num_columns(); ++i) {
      columns.push_back(TRY(arrow_try(plain->column(i)->View(schema_->field(i)->type()))));
    }
    return done(rows_->WriteRecordBatch(
        *arrow::RecordBatch::Make(schema_, plain->num_rows(), std::move(columns))));
  }
  Result<> close() override {
    TRY(done(rows_->Close()));
    return file_->finish();
  }

 private:
  Result<> done(const arrow::Status& status) const {
    if (status.ok()) return {};
    return from_arrow(status).within(fmt::format("writing '{}'", file_->path()));
  }

  std::unique_ptr<OutputFile> file_;
  std::shared_ptr<arrow::ipc::RecordBatchWriter> rows_;
  SchemaPtr schema_;
};

bool is_text(const arrow::DataType& type) {
  switch (type.id()) {
    case arrow::Type::LIST:
    case arrow::Type::STRUCT:
    case arrow::Type::MAP:
    case arrow::Type::BINARY:
    case arrow::Type::INTERVAL_MONTH_DAY_NANO:
    case arrow::Type::DURATION:
      return false;
    default:
      return true;
  }
}

}  // namespace

Result<> check_csv_schema(const arrow::Schema& schema) {
  for (const auto& field : schema.fields()) {
    if (is_text(*field->type())) continue;
    Error error = fail(ErrorCode::unsupported, "column '{}' of type {} cannot be written as CSV",
                       field->name(), field->type()->ToString());
    error.hint = "cast it, leave it out, or write Parquet";
    return error;
  }
  return {};
}

Result<std::unique_ptr<BatchWriter>> write_csv(FileSystem& files, const std::string& path,
                                               const SchemaPtr& schema,
                                               const CsvWriteOptions& options) {
  TRY(check_csv_schema(*schema));
  auto arrow_options = arrow::csv::WriteOptions::Defaults();
  arrow_options.delimiter = options.delimiter;
  arrow_options.include_header = options.header;
  arrow_options.batch_size = static_cast<std::int32_t>(batch_rows_max);
  auto file = TRY(OutputFile::create(files, path));
  const SchemaPtr written = in_utc(schema);
  auto rows = TRY(arrow_try(arrow::csv::MakeCSVWriter(file->stream(), written, arrow_options)));
  return std::unique_ptr<BatchWriter>(
      std::make_unique<CsvWriter>(std::move(file), std::move(rows), written));
}

}  // namespace troupe
