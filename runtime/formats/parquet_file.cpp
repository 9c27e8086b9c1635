#include "runtime/formats/parquet_file.hpp"

#include "runtime/formats/column_types.hpp"
#include "runtime/formats/input_file.hpp"
#include "runtime/formats/parquet_column.hpp"
#include "runtime/formats/parquet_error.hpp"
#include "runtime/formats/parquet_statistics.hpp"
#include "runtime/os/file_system.hpp"

#include <arrow/array.h>
#include <arrow/io/file.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <parquet/arrow/reader.h>
#include <parquet/arrow/schema.h>
#include <parquet/column_reader.h>
#include <parquet/file_reader.h>
#include <parquet/metadata.h>
#include <parquet/schema.h>

#include <algorithm>

namespace troupe {
namespace {

using parquet::arrow::SchemaField;

constexpr std::int64_t read_bytes = 1 << 20;  ///< at a time, of each column

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

/// One column of the rows that are read.
struct ReadColumn {
  std::shared_ptr<arrow::Field> field;
  std::vector<int> leaves;
  bool flat = false;  ///< read by a ParquetColumn; else by Arrow's reader
  std::unique_ptr<ParquetColumn> pages = {};
};

/// Row groups, one after the other: the common columns straight from their pages, the others
/// through Arrow's reader, cut to the same rows.
class GroupReader final : public BatchReader {
 public:
  GroupReader(std::string path, std::unique_ptr<parquet::arrow::FileReader> file,
              std::vector<int> groups, std::vector<ReadColumn> columns)
      : path_(std::move(path)),
        file_(std::move(file)),
        groups_(std::move(groups)),
        columns_(std::move(columns)) {
    for (const ReadColumn& column : columns_) {
      if (column.flat) continue;
      other_leaves_.insert(other_leaves_.end(), column.leaves.begin(), column.leaves.end());
    }
  }

  Result<Batch> next() override {
    return TRY(parquet_try(path_, [&] { return read(); }));
  }

 private:
  Result<Batch> read() {
    while (rows_left_ == 0) {
      if (next_group_ == groups_.size()) return Batch();
      TRY(begin(groups_[next_group_++]));
    }
    std::int64_t rows = std::min(batch_rows_max, rows_left_);
    std::shared_ptr<arrow::RecordBatch> others;
    if (others_ != nullptr) {
      const arrow::Status status = others_->ReadNext(&others);
      if (!status.ok()) return parquet_error(path_, status);
      if (others == nullptr) throw parquet::ParquetException("a column ends before its row group");
      rows = std::min(rows, others->num_rows());
      ENSURE(rows == others->num_rows(), "'{}' gives more rows than its row group has", path_);
    }
    rows_left_ -= rows;
    arrow::ArrayVector columns;
    arrow::FieldVector fields;
    for (const ReadColumn& column : columns_) {
      columns.push_back(column.flat
                            ? column.pages->read(rows)
                            : TRY(as_runtime_column(others->GetColumnByName(column.field->name()),
                                                    column.field->type())));
      fields.push_back(column.field->WithType(columns.back()->type()));
    }
    return Batch(
        arrow::RecordBatch::Make(arrow::schema(std::move(fields)), rows, std::move(columns)));
  }

  Result<> begin(int group) {
    parquet::ParquetFileReader& reader = *file_->parquet_reader();
    const auto row_group = reader.RowGroup(group);
    rows_left_ = row_group->metadata()->num_rows();
    const parquet::SchemaDescriptor& schema = *reader.metadata()->schema();
    for (ReadColumn& column : columns_) {
      if (!column.flat) continue;
      const int leaf = column.leaves.front();
      column.pages = open_flat_column(*schema.Column(leaf), column.field->type(),
                                      row_group->GetColumnPageReader(leaf));
    }
    if (other_leaves_.empty()) return {};
    auto others = file_->GetRecordBatchReader({group}, other_leaves_);
    if (!others.ok()) return parquet_error(path_, others.status());
    others_ = *std::move(others);
    return {};
  }

  const std::string path_;
  const std::unique_ptr<parquet::arrow::FileReader> file_;
  const std::vector<int> groups_;
  std::vector<ReadColumn> columns_;
  std::vector<int> other_leaves_;
  std::unique_ptr<arrow::RecordBatchReader> others_;
  std::size_t next_group_ = 0;
  std::int64_t rows_left_ = 0;
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
  auto properties = parquet::default_reader_properties();
  properties.enable_buffered_stream();  // else a column of a row group is read in one piece
  properties.set_buffer_size(read_bytes);
  return parquet_try(path,
                     [&] { return parquet::ParquetFileReader::Open(file, properties, metadata); });
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
  std::vector<ReadColumn> wanted;
  auto properties = reader_properties();
  for (const std::string& name : columns) {
    ReadColumn column{.field = state_->schema->GetFieldByName(name),
                      .leaves = state_->leaves(name)};
    const auto& first = *state_->metadata->schema()->Column(column.leaves.front());
    column.flat = column.leaves.size() == 1 && is_flat_column(first, *column.field->type());
    wanted.push_back(std::move(column));
  }
  auto reader = TRY(open_reader(state_->path, state_->metadata));
  auto file = TRY(parquet_try(state_->path, [&] {
    return parquet::arrow::FileReader::Make(arrow::default_memory_pool(), std::move(reader),
                                            properties);
  }));
  if (!file.ok()) return parquet_error(state_->path, file.status());
  return std::unique_ptr<BatchReader>(std::make_unique<GroupReader>(
      state_->path, *std::move(file), std::move(groups), std::move(wanted)));
}

}  // namespace troupe
