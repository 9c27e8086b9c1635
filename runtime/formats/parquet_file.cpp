#include "runtime/formats/parquet_file.hpp"

#include "runtime/formats/claim_limit.hpp"
#include "runtime/formats/column_types.hpp"
#include "runtime/formats/damage.hpp"
#include "runtime/formats/input_file.hpp"
#include "runtime/formats/parquet_error.hpp"
#include "runtime/formats/parquet_rows.hpp"
#include "runtime/formats/parquet_statistics.hpp"
#include "runtime/os/file_system.hpp"

#include <arrow/array.h>
#include <arrow/buffer.h>
#include <arrow/io/interfaces.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <parquet/arrow/reader.h>
#include <parquet/arrow/schema.h>
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

/// Parquet has no groups without columns; Arrow's reader dies of them.
bool has_empty_group(const SchemaField& field) {
  if (field.is_leaf()) return false;
  return field.children.empty() ||
         std::any_of(field.children.begin(), field.children.end(), has_empty_group);
}

/// What stands around everything else tells a file that was cut short, or is of another kind, from
/// one that is damaged.
Result<> check_frame(const std::string& path, arrow::io::RandomAccessFile& file,
                     std::int64_t size) {
  constexpr std::int64_t magic_bytes = 4;
  const auto head = TRY(read_try(path, "", file.ReadAt(0, magic_bytes)));
  const auto tail = TRY(
      read_try(path, "", file.ReadAt(std::max<std::int64_t>(size - magic_bytes, 0), magic_bytes)));
  const auto is = [](const arrow::Buffer& bytes, std::string_view magic) {
    return std::string_view(bytes) == magic;
  };
  if (is(*head, "PARE") || is(*tail, "PARE")) {
    return make_error(ErrorCode::unsupported, "'{}': its footer is encrypted, and there is no key",
                      path);
  }
  if (size > 2 * magic_bytes && is(*tail, "PAR1")) return {};
  if (is(*head, "PAR1")) return cut_short(path, "Parquet file");
  if (size == 0) return damaged(path, "", "it is empty, and no Parquet file");
  return damaged(path, "", "it does not end like a Parquet file");
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
  FileSystem* files = nullptr;
  std::string path;
  std::int64_t size = 0;
  std::shared_ptr<parquet::FileMetaData> metadata;
  parquet::arrow::SchemaManifest manifest;
  SchemaPtr schema;

  std::vector<std::int64_t> rows;  ///< by row group; their sum is a number, too
  std::map<std::string, Error> unreadable;

  Result<std::vector<int>> leaves(const std::string& column) const {
    const int index = schema->GetFieldIndex(column);
    if (index < 0) {
      return make_error(ErrorCode::conflict, "'{}' was replaced while the job was reading it",
                        path);
    }
    if (const auto found = unreadable.find(column); found != unreadable.end()) return found->second;
    std::vector<int> leaves;
    collect_leaves(manifest.schema_fields.at(static_cast<std::size_t>(index)), leaves);
    return leaves;
  }

  std::int64_t compressed_bytes(int group, const std::vector<int>& leaves) const {
    const auto row_group = metadata->RowGroup(group);
    std::int64_t bytes = 0;
    for (const int leaf : leaves) {
      bytes +=
          std::clamp<std::int64_t>(row_group->ColumnChunk(leaf)->total_compressed_size(), 0, size);
    }
    return bytes;
  }

  Result<> check_rows();
  Result<> find_unreadable();
};

/// How many rows there are is believed without reading any, so it must be right: a column that is
/// not a list has as many values as its row group has rows.
Result<> ParquetFile::State::check_rows() {
  std::int64_t all = 0;
  for (int group = 0; group < metadata->num_row_groups(); ++group) {
    const auto row_group = metadata->RowGroup(group);
    rows.push_back(row_group->num_rows());
    const std::string place = fmt::format("row group {}", group);
    if (rows.back() < 0 || __builtin_add_overflow(all, rows.back(), &all)) {
      return damaged(path, place, fmt::format("it claims {} rows", rows.back()));
    }
    for (int leaf = 0; leaf < metadata->num_columns(); ++leaf) {
      const bool flat = metadata->schema()->Column(leaf)->max_repetition_level() == 0;
      const auto values = parquet_call([&] { return row_group->ColumnChunk(leaf)->num_values(); });
      if (!values.ok()) continue;  // encrypted, or told where it is read
      if (flat ? *values != rows.back() : *values < rows.back()) {
        return damaged(
            path, place,
            fmt::format("it claims {} rows, and {} values of a column", rows.back(), *values));
      }
      break;
    }
  }
  return {};
}

/// Columns are looked at once, in the first row group: they are the same in all.
Result<> ParquetFile::State::find_unreadable() {
  const auto note = [&](const std::string& column, std::string why) {
    Error error = make_error(ErrorCode::unsupported, "'{}', column '{}': {}", path, column, why);
    error.hint = "leave it out with 'columns'";
    unreadable.emplace(column, std::move(error));
  };
  const bool encrypted = metadata->is_encryption_algorithm_set();
  for (const SchemaField& field : manifest.schema_fields) {
    const std::string& name = field.field->name();
    if (has_empty_group(field)) {
      note(name, "it is a group without columns");
      continue;
    }
    if (!encrypted || metadata->num_row_groups() == 0) continue;
    std::vector<int> leaves;
    collect_leaves(field, leaves);
    const auto open = parquet_call([&] { return compressed_bytes(0, leaves); });
    if (!open.ok()) note(name, "it is encrypted, and there is no key");
  }
  return {};
}

namespace {

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

bool is_interval(const SchemaField& field, const parquet::SchemaDescriptor& schema) {
  if (!field.is_leaf()) return false;
  const parquet::ColumnDescriptor& column = *schema.Column(field.column_index);
  return column.converted_type() == parquet::ConvertedType::INTERVAL ||
         (column.logical_type() && column.logical_type()->is_interval());
}

bool has_interval(const SchemaField& field, const parquet::SchemaDescriptor& schema) {
  return is_interval(field, schema) ||
         std::any_of(field.children.begin(), field.children.end(),
                     [&](const SchemaField& child) { return has_interval(child, schema); });
}

/// The library takes intervals for twelve bytes that mean nothing.
Result<std::shared_ptr<arrow::Field>> told_field(const SchemaField& field,
                                                 const parquet::SchemaDescriptor& schema,
                                                 const std::string& path) {
  if (is_interval(field, schema)) return field.field->WithType(arrow::month_day_nano_interval());
  if (!has_interval(field, schema)) return field.field;
  return make_error(ErrorCode::unsupported, "'{}', column '{}': intervals in lists or structs",
                    path, field.field->name());
}

/// A file that is open, and the library's reader of it.
struct OpenFile {
  std::shared_ptr<arrow::io::RandomAccessFile> bytes;
  std::unique_ptr<parquet::ParquetFileReader> reader;
};

Result<OpenFile> open_reader(FileSystem& files, const std::string& path,
                             std::shared_ptr<parquet::FileMetaData> metadata) {
  OpenFile opened;
  opened.bytes = TRY(open_input(files, path));
  const std::int64_t size = TRY(read_try(path, "", opened.bytes->GetSize()));
  if (metadata == nullptr) TRY(check_frame(path, *opened.bytes, size));
  parquet::ReaderProperties properties(memory_for_file(size));
  properties.enable_buffered_stream();  // else a column of a row group is read in one piece
  properties.set_buffer_size(read_bytes);
  // Lists of the footer are reserved as long as they claim to be; each entry has a byte at least.
  properties.set_thrift_container_size_limit(static_cast<std::int32_t>(
      std::min<std::int64_t>(size, properties.thrift_container_size_limit())));
  opened.reader =
      TRY(read_try(path, "its footer", parquet_call([&] {
                     return parquet::ParquetFileReader::Open(opened.bytes, properties, metadata);
                   })));
  return opened;
}

}  // namespace

Result<std::shared_ptr<const ParquetFile>> ParquetFile::open(FileSystem& files,
                                                             const std::string& path) {
  const OpenFile opened = TRY(open_reader(files, path, nullptr));
  auto state = std::make_unique<State>();
  state->files = &files;
  state->path = path;
  state->metadata = opened.reader->metadata();
  state->size = static_cast<std::int64_t>(TRY(files.size(path)));
  TRY(read_try(path, "its schema", parquet_call([&] {
                 return parquet::arrow::SchemaManifest::Make(state->metadata->schema(),
                                                             state->metadata->key_value_metadata(),
                                                             reader_properties(), &state->manifest);
               })));
  arrow::FieldVector fields;
  for (const SchemaField& field : state->manifest.schema_fields) {
    fields.push_back(TRY(told_field(field, *state->metadata->schema(), path)));
  }
  state->schema = TRY(runtime_schema(arrow::Schema(std::move(fields)), path));
  TRY(state->check_rows());
  TRY(state->find_unreadable());
  return std::shared_ptr<const ParquetFile>(std::make_shared<ParquetFile>(std::move(state)));
}

ParquetFile::ParquetFile(std::unique_ptr<const State> state) : state_(std::move(state)) {}
ParquetFile::~ParquetFile() = default;

const std::string& ParquetFile::path() const { return state_->path; }
const SchemaPtr& ParquetFile::schema() const { return state_->schema; }
std::int64_t ParquetFile::size() const { return state_->size; }
int ParquetFile::row_groups() const { return state_->metadata->num_row_groups(); }
std::int64_t ParquetFile::rows(int group) const {
  return state_->rows.at(static_cast<std::size_t>(group));
}
const std::map<std::string, Error>& ParquetFile::unreadable() const { return state_->unreadable; }

Result<std::int64_t> ParquetFile::bytes(int group, const std::vector<std::string>& columns) const {
  std::int64_t bytes = 0;
  for (const std::string& column : columns) {
    const auto leaves = TRY(state_->leaves(column));
    bytes += TRY(read_try(state_->path, column_place("row group", group, column),
                          parquet_call([&] { return state_->compressed_bytes(group, leaves); })));
  }
  return bytes;
}

bool ParquetFile::may_match(int group, const SchemaPtr& schema,
                            const std::vector<ColumnBound>& bounds) const {
  for (const ColumnBound& bound : bounds) {
    const auto leaves = state_->leaves(schema->field(bound.column)->name());
    if (!leaves || leaves->size() != 1) continue;
    const auto may = parquet_call([&] {
      return may_hold(*state_->metadata->RowGroup(group)->ColumnChunk(leaves->front()), rows(group),
                      bound);
    });
    if (may.ok() && !*may) return false;
  }
  return true;
}

Result<std::unique_ptr<BatchReader>> ParquetFile::read(std::vector<int> groups,
                                                       std::vector<std::string> columns,
                                                       const ColumnTests& tests) const {
  if (columns.empty()) {
    std::int64_t rows = 0;
    for (const int group : groups) rows += this->rows(group);
    return std::unique_ptr<BatchReader>(std::make_unique<RowCounter>(rows));
  }
  ParquetRead read{
      .path = state_->path, .groups = std::move(groups), .memory = memory_for_file(state_->size)};
  for (const std::string& name : columns) {
    auto leaves = TRY(state_->leaves(name));
    read.columns.push_back({state_->schema->GetFieldByName(name), std::move(leaves)});
  }
  OpenFile opened = TRY(open_reader(*state_->files, state_->path, state_->metadata));
  read.bytes = std::move(opened.bytes);
  read.file = TRY(read_try(state_->path, "", parquet_call([&] {
                             return parquet::arrow::FileReader::Make(
                                 read.memory, std::move(opened.reader), reader_properties());
                           })));
  if (auto needed = read_needed_rows(read, tests)) return needed;
  return read_groups(std::move(read));
}

}  // namespace troupe
