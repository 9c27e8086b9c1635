#include "runtime/formats/parquet_file.hpp"

#include "runtime/formats/column_types.hpp"
#include "runtime/formats/input_file.hpp"
#include "runtime/formats/parquet_error.hpp"
#include "runtime/formats/parquet_statistics.hpp"
#include "runtime/os/file_system.hpp"

#include <arrow/array.h>
#include <arrow/io/file.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <parquet/arrow/reader.h>
#include <parquet/arrow/schema.h>
#include <parquet/file_reader.h>
#include <parquet/metadata.h>

#include <algorithm>

namespace troupe {
namespace {

using parquet::arrow::SchemaField;

/// The leaves below a field: a string is one, a struct of three is three.
void collect_leaves(const SchemaField& field, std::vector<int>& leaves) {
  if (field.is_leaf()) leaves.push_back(field.column_index);
  for (const SchemaField& child : field.children) collect_leaves(child, leaves);
}

parquet::ArrowReaderProperties reader_properties() {
  parquet::ArrowReaderProperties properties(/*use_threads=*/false);
  properties.set_pre_buffer(false);  // it reads on threads of Arrow's, and gains nothing on a disk
  properties.set_batch_size(batch_rows_max);
  properties.set_coerce_int96_timestamp_unit(arrow::TimeUnit::MICRO);
  return properties;
}

}  // namespace

struct ParquetFile::State {
  std::string path;
  std::int64_t size = 0;
  std::shared_ptr<parquet::FileMetaData> metadata;
  parquet::arrow::SchemaManifest manifest;
  SchemaPtr schema;

  std::vector<int> leaves(const std::string& column) const {
    std::vector<int> found;
    const int index = schema->GetFieldIndex(column);
    ENSURE(index >= 0, "'{}' has no column '{}'", path, column);
    collect_leaves(manifest.schema_fields.at(static_cast<std::size_t>(index)), found);
    return found;
  }
};

namespace {

/// Row groups through Arrow's reader, cut and ordered as the runtime wants them.
class GroupReader final : public BatchReader {
 public:
  GroupReader(std::string path, std::unique_ptr<parquet::arrow::FileReader> file,
              std::unique_ptr<arrow::RecordBatchReader> batches, SchemaPtr schema)
      : path_(std::move(path)),
        file_(std::move(file)),
        batches_(std::move(batches)),
        schema_(std::move(schema)) {}

  Result<Batch> next() override {
    std::shared_ptr<arrow::RecordBatch> found;
    const arrow::Status status =
        TRY(parquet_try(path_, [&] { return batches_->ReadNext(&found); }));
    if (!status.ok()) return parquet_error(path_, status);
    if (found == nullptr) return Batch();
    arrow::ArrayVector columns;
    arrow::FieldVector fields;
    for (const auto& field : schema_->fields()) {
      columns.push_back(
          TRY(as_runtime_column(found->GetColumnByName(field->name()), field->type())));
      fields.push_back(field->WithType(columns.back()->type()));
    }
    return Batch(arrow::RecordBatch::Make(arrow::schema(std::move(fields)), found->num_rows(),
                                          std::move(columns)));
  }

 private:
  std::string path_;
  std::unique_ptr<parquet::arrow::FileReader> file_;
  std::unique_ptr<arrow::RecordBatchReader> batches_;
  SchemaPtr schema_;
};

/// Rows without columns: all that a bare count(*) wants.
class RowCounter final : public BatchReader {
 public:
  explicit RowCounter(std::int64_t rows) : rows_(rows) {}

  Result<Batch> next() override {
    if (rows_ == 0) return Batch();
    const std::int64_t rows = std::min(rows_, batch_rows_max);
    rows_ -= rows;
    return Batch(arrow::RecordBatch::Make(arrow::schema({}), rows, arrow::ArrayVector{}));
  }

 private:
  std::int64_t rows_;
};

Result<std::unique_ptr<parquet::ParquetFileReader>> open_reader(
    const std::string& path, std::shared_ptr<parquet::FileMetaData> metadata) {
  auto file = TRY(open_input(path));
  return parquet_try(path, [&] {
    return parquet::ParquetFileReader::Open(file, parquet::default_reader_properties(), metadata);
  });
}

}  // namespace

Result<std::shared_ptr<const ParquetFile>> ParquetFile::open(const std::string& path) {
  auto reader = TRY(open_reader(path, nullptr));
  auto state = std::make_unique<State>();
  state->path = path;
  state->metadata = reader->metadata();
  state->size = static_cast<std::int64_t>(TRY(system_files().size(path)));
  const arrow::Status status = TRY(parquet_try(path, [&] {
    return parquet::arrow::SchemaManifest::Make(state->metadata->schema(),
                                                state->metadata->key_value_metadata(),
                                                reader_properties(), &state->manifest);
  }));
  if (!status.ok()) return parquet_error(path, status);
  arrow::FieldVector fields;
  for (const SchemaField& field : state->manifest.schema_fields) fields.push_back(field.field);
  state->schema = TRY(runtime_schema(arrow::Schema(std::move(fields)), path));
  return std::shared_ptr<const ParquetFile>(std::make_shared<ParquetFile>(std::move(state)));
}

ParquetFile::ParquetFile(std::unique_ptr<const State> state) : state_(std::move(state)) {}
ParquetFile::~ParquetFile() = default;

const std::string& ParquetFile::path() const { return state_->path; }
const SchemaPtr& ParquetFile::schema() const { return state_->schema; }
std::int64_t ParquetFile::size() const { return state_->size; }
int ParquetFile::row_groups() const { return state_->metadata->num_row_groups(); }
std::int64_t ParquetFile::rows(int group) const {
  return state_->metadata->RowGroup(group)->num_rows();
}

std::int64_t ParquetFile::bytes(int group, const std::vector<std::string>& columns) const {
  const auto row_group = state_->metadata->RowGroup(group);
  std::int64_t bytes = 0;
  for (const std::string& column : columns) {
    for (const int leaf : state_->leaves(column)) {
      bytes += row_group->ColumnChunk(leaf)->total_compressed_size();
    }
  }
  return bytes;
}

bool ParquetFile::may_match(int group, const SchemaPtr& schema,
                            const std::vector<ColumnBound>& bounds) const {
  const auto row_group = state_->metadata->RowGroup(group);
  for (const ColumnBound& bound : bounds) {
    const std::vector<int> leaves = state_->leaves(schema->field(bound.column)->name());
    if (leaves.size() != 1) continue;
    const auto chunk = row_group->ColumnChunk(leaves[0]);
    if (!may_hold(*chunk, row_group->num_rows(), bound)) return false;
  }
  return true;
}

Result<std::unique_ptr<BatchReader>> ParquetFile::read(std::vector<int> groups,
                                                       std::vector<std::string> columns) const {
  if (columns.empty()) {
    std::int64_t rows = 0;
    for (const int group : groups) rows += this->rows(group);
    return std::unique_ptr<BatchReader>(std::make_unique<RowCounter>(rows));
  }
  std::vector<int> leaves;
  auto properties = reader_properties();
  for (const std::string& column : columns) {
    for (const int leaf : state_->leaves(column)) {
      leaves.push_back(leaf);
      const auto type = state_->schema->GetFieldByName(column)->type();
      if (type->id() == arrow::Type::STRING) properties.set_read_dictionary(leaf, true);
    }
  }
  auto reader = TRY(open_reader(state_->path, state_->metadata));
  auto file = TRY(parquet_try(state_->path, [&] {
    return parquet::arrow::FileReader::Make(arrow::default_memory_pool(), std::move(reader),
                                            properties);
  }));
  if (!file.ok()) return parquet_error(state_->path, file.status());
  auto batches =
      TRY(parquet_try(state_->path, [&] { return (*file)->GetRecordBatchReader(groups, leaves); }));
  if (!batches.ok()) return parquet_error(state_->path, batches.status());
  return std::unique_ptr<BatchReader>(
      std::make_unique<GroupReader>(state_->path, *std::move(file), *std::move(batches),
                                    TRY(select_columns(state_->schema, columns))));
}

}  // namespace troupe
