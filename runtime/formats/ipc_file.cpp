#include "runtime/formats/ipc_file.hpp"

#include "runtime/data/arrow_result.hpp"
#include "runtime/formats/claim_limit.hpp"
#include "runtime/formats/column_types.hpp"
#include "runtime/formats/damage.hpp"
#include "runtime/formats/input_file.hpp"
#include "runtime/formats/null_values.hpp"
#include "runtime/formats/output_file.hpp"
#include "runtime/formats/pending_column.hpp"
#include "runtime/formats/utf8_check.hpp"
#include "runtime/formats/value_check.hpp"

#include <arrow/array.h>
#include <arrow/buffer.h>
#include <arrow/io/interfaces.h>
#include <arrow/ipc/reader.h>
#include <arrow/ipc/writer.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <arrow/util/compression.h>

#include <algorithm>
#include <optional>

namespace troupe {
namespace {

constexpr std::string_view magic = "ARROW1";

/// What Arrow has read from the file; of a failure first what the disk said.
template <class T>
Result<T> ipc_try(const std::string& path, const std::string& place,
                  const arrow::io::RandomAccessFile& file, arrow::Result<T>&& result) {
  if (const auto disk = result.ok() ? std::nullopt : disk_error(file)) return *disk;
  return read_try(path, place, std::move(result));
}

/// A file has an index of its batches; a stream does not, and begins differently.
Result<bool> is_file(const std::string& path, arrow::io::RandomAccessFile& file) {
  const std::int64_t size = TRY(read_try(path, "", file.GetSize()));
  if (size == 0) return damaged(path, "", "it is empty, and no Arrow IPC file");
  const auto bytes = static_cast<std::int64_t>(magic.size());
  const auto head = TRY(read_try(path, "", file.ReadAt(0, bytes)));
  if (std::string_view(*head) != magic) return false;
  const auto tail =
      TRY(read_try(path, "", file.ReadAt(std::max<std::int64_t>(size - bytes, 0), bytes)));
  if (size <= 2 * bytes || std::string_view(*tail) != magic) {
    return cut_short(path, "Arrow IPC file");
  }
  return true;
}

arrow::ipc::IpcReadOptions read_options(arrow::io::RandomAccessFile& file) {
  auto options = arrow::ipc::IpcReadOptions::Defaults();
  options.use_threads = false;
  options.memory_pool = memory_for_file(file.GetSize().ValueOr(0));
  // Of a mapped file the values stay where they are, unless they stand where no value may.
  options.ensure_alignment = arrow::ipc::Alignment::kDataTypeSpecificAlignment;
  return options;
}

using FilePtr = std::shared_ptr<arrow::io::RandomAccessFile>;
using FileReaderPtr = std::shared_ptr<arrow::ipc::RecordBatchFileReader>;
using StreamReaderPtr = std::shared_ptr<arrow::ipc::RecordBatchStreamReader>;

Result<FileReaderPtr> open_file(const std::string& path, const FilePtr& file,
                                const arrow::ipc::IpcReadOptions& options) {
  return ipc_try(path, "its footer", *file, arrow::ipc::RecordBatchFileReader::Open(file, options));
}

Result<StreamReaderPtr> open_stream(const std::string& path, const FilePtr& file) {
  TRY(read_try(path, "", file->Seek(0)));
  return ipc_try(path, "its schema", *file,
                 arrow::ipc::RecordBatchStreamReader::Open(
                     std::static_pointer_cast<arrow::io::InputStream>(file), read_options(*file)));
}

/// Batches of a file or a stream, one after the other.
class Batches {
 public:
  virtual ~Batches() = default;
  /// Null at the end.
  virtual arrow::Result<std::shared_ptr<arrow::RecordBatch>> next() = 0;
  /// Of the batch that was read last.
  virtual int number() const = 0;
  /// The column that made the last call to `next` fail, if it is one.
  virtual std::optional<std::string> bad_column() const { return std::nullopt; }
};

class FileBatches final : public Batches {
 public:
  FileBatches(FilePtr source, FileReaderPtr file, arrow::ipc::IpcReadOptions options, int first,
              int end)
      : source_(std::move(source)),
        file_(std::move(file)),
        options_(std::move(options)),
        at_(first),
        end_(end) {}
  arrow::Result<std::shared_ptr<arrow::RecordBatch>> next() override {
    if (at_ == end_) return std::shared_ptr<arrow::RecordBatch>();
    return file_->ReadRecordBatch(at_++);
  }

  int number() const override { return at_ - 1; }

  /// Reads each column alone, to find the one that cannot be.
  std::optional<std::string> bad_column() const override {
    std::vector<std::string> bad;
    for (const int field : options_.included_fields) {
      auto alone = options_;
      alone.included_fields = {field};
      const auto file = arrow::ipc::RecordBatchFileReader::Open(source_, alone);
      if (!file.ok() || (*file)->ReadRecordBatch(at_ - 1).ok()) continue;
      bad.push_back(file_->schema()->field(field)->name());
    }
    // Where all are bad it is not their own bytes, but what they share.
    const bool all = bad.size() > 1 && bad.size() == options_.included_fields.size();
    return bad.empty() || all ? std::nullopt : std::optional(bad.front());
  }

 private:
  const FilePtr source_;
  const FileReaderPtr file_;
  const arrow::ipc::IpcReadOptions options_;
  int at_;
  const int end_;
};

class StreamBatches final : public Batches {
 public:
  explicit StreamBatches(StreamReaderPtr stream) : stream_(std::move(stream)) {}
  arrow::Result<std::shared_ptr<arrow::RecordBatch>> next() override {
    ++at_;
    return stream_->Next();
  }
  int number() const override { return at_; }

 private:
  const StreamReaderPtr stream_;
  int at_ = -1;
};

class IpcReader final : public BatchReader {
 public:
  IpcReader(std::string path, FilePtr file, std::unique_ptr<Batches> batches, SchemaPtr columns)
      : path_(std::move(path)),
        file_(std::move(file)),
        batches_(std::move(batches)),
        columns_(std::move(columns)) {}

  Result<Batch> next() override {
    while (rows_left_ == 0) {
      const auto found = batches_->next();
      if (!found.ok()) return unread(found.status());
      if (*found == nullptr) return Batch();
      TRY(fill(**found));
    }
    std::int64_t rows = std::min(batch_rows_max, rows_left_);
    for (PendingColumn& column : pending_) rows = column.fitting(rows);
    rows_left_ -= rows;
    arrow::ArrayVector columns;
    arrow::FieldVector fields;
    for (int i = 0; i < columns_->num_fields(); ++i) {
      auto column = pending_[static_cast<std::size_t>(i)].take(rows);
      if (!column) return at_place(column.error(), path_, place_of(*columns_->field(i)));
      columns.push_back(*std::move(column));
      fields.push_back(columns_->field(i)->WithType(columns.back()->type()));
    }
    return Batch(
        arrow::RecordBatch::Make(arrow::schema(std::move(fields)), rows, std::move(columns)));
  }

 private:
  Error unread(const arrow::Status& status) const {
    if (const auto disk = disk_error(*file_)) return *disk;
    const auto column = batches_->bad_column();
    return reading_error(path_,
                         column ? column_place("record batch", batches_->number(), *column)
                                : fmt::format("record batch {}", batches_->number()),
                         status);
  }

  std::string place_of(const arrow::Field& field) const {
    return column_place("record batch", batches_->number(), field.name());
  }

  Result<> fill(const arrow::RecordBatch& found) {
    pending_.clear();
    for (const auto& field : columns_->fields()) {
      const auto column = found.GetColumnByName(field->name());
      if (column == nullptr) {
        return make_error(ErrorCode::invalid_argument, "'{}' has no column '{}'", path_,
                          field->name());
      }
      const std::string place = place_of(*field);
      if (column->length() != found.num_rows()) {
        return damaged(path_, place, "it has not as many values as its record batch has rows");
      }
      TRY(check(*column, place));
      if (const auto filled = pending_.emplace_back(field->type()).fill(with_empty_nulls(column));
          !filled) {
        return at_place(filled.error(), path_, place);
      }
    }
    rows_left_ = found.num_rows();
    return {};
  }

  /// What the library's full check finds of texts, which it looks at one by one.
  static bool are_good_texts(const arrow::Array& column) {
    if (column.type_id() != arrow::Type::STRING || column.data()->buffers[0] != nullptr ||
        column.null_count() != 0 || !column.Validate().ok()) {
      return false;
    }
    const std::int32_t* offsets =
        static_cast<const arrow::StringArray&>(column).raw_value_offsets();
    bool falls = false;
    for (std::int64_t i = 0; i < column.length(); ++i) falls |= offsets[i + 1] < offsets[i];
    return !falls && !first_not_utf8(column);
  }

  /// The library's check knows of no rows; where a single value is wrong, ours does.
  Result<> check(const arrow::Array& column, const std::string& place) const {
    if (are_good_texts(column)) return {};
    const auto whole = column.ValidateFull();
    if (whole.ok()) return {};
    const bool flat = !arrow::is_nested(column.type_id()) && column.Validate().ok();
    if (const auto bad = flat ? first_bad_value(column) : std::nullopt) {
      return damaged(path_, fmt::format("{}, row {}", place, bad->row + 1), bad->why);
    }
    return reading_error(path_, place, whole);
  }

  const std::string path_;
  const FilePtr file_;
  const std::unique_ptr<Batches> batches_;
  const SchemaPtr columns_;
  std::vector<PendingColumn> pending_;
  std::int64_t rows_left_ = 0;
};

class IpcWriter final : public BatchWriter {
 public:
  IpcWriter(std::unique_ptr<OutputFile> file, std::shared_ptr<arrow::ipc::RecordBatchWriter> rows)
      : file_(std::move(file)), rows_(std::move(rows)) {}

  Result<> write(const Batch& batch) override {
    return done(rows_->WriteRecordBatch(*TRY(without_dictionaries(batch))));
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

  const std::unique_ptr<OutputFile> file_;
  const std::shared_ptr<arrow::ipc::RecordBatchWriter> rows_;
};

/// Record batches that are asked for their rows. Who writes a file mostly fills all but the last.
constexpr int batches_asked_max = 16;

/// Arrow's own count reads the whole file. Of a batch it reads the columns that are asked for: one.
arrow::Result<std::int64_t> about_rows(const FilePtr& file, int batches,
                                       arrow::ipc::IpcReadOptions options) {
  options.included_fields = {0};
  ARROW_ASSIGN_OR_RAISE(const auto narrow, arrow::ipc::RecordBatchFileReader::Open(file, options));
  std::int64_t rows = 0;
  const int others = batches - 1, asked = std::min(others, batches_asked_max);
  for (int i = 0; i < asked; ++i) {
    const auto at = static_cast<int>(std::int64_t{i} * others / asked);
    ARROW_ASSIGN_OR_RAISE(const auto batch, narrow->ReadRecordBatch(at));
    rows += batch->num_rows();
  }
  if (asked > 0) rows = rows * others / asked;
  ARROW_ASSIGN_OR_RAISE(const auto last, narrow->ReadRecordBatch(others));
  return rows + last->num_rows();
}

}  // namespace

Result<SchemaPtr> ipc_schema(FileSystem& files, const std::string& path) {
  const auto file = TRY(open_input(files, path));
  const auto found = TRY(is_file(path, *file))
                         ? TRY(open_file(path, file, read_options(*file)))->schema()
                         : TRY(open_stream(path, file))->schema();
  return runtime_schema(*found, path);
}

Result<IpcInfo> ipc_info(FileSystem& files, const std::string& path) {
  const auto file = TRY(open_input(files, path));
  IpcInfo info;
  if (!TRY(is_file(path, *file))) {
    info.schema = TRY(runtime_schema(*TRY(open_stream(path, file))->schema(), path));
    return info;
  }
  const auto options = read_options(*file);
  const auto reader = TRY(open_file(path, file, options));
  info.schema = TRY(runtime_schema(*reader->schema(), path));
  info.batches = reader->num_record_batches();
  const bool known = info.batches == 0 || reader->schema()->num_fields() == 0;
  info.rows = TRY(ipc_try(
      path, "the rows of its record batches", *file,
      known ? reader->CountRows() : about_rows(file, reader->num_record_batches(), options)));
  return info;
}

namespace {

/// True where the values of a mapped file can be used as they lie there. Not if they are packed;
/// then Arrow had better unpack those alone that are asked for.
bool lies_plainly(arrow::ipc::RecordBatchFileReader& whole, arrow::io::RandomAccessFile& file,
                  int batch) {
  const auto mapping = file.ReadAt(0, file.GetSize().ValueOr(0));
  const auto rows = whole.ReadRecordBatch(batch);
  if (!mapping.ok() || !rows.ok()) return false;
  const std::uint8_t* begin = (*mapping)->data();
  for (const auto& column : (*rows)->columns()) {
    for (const auto& buffer : column->data()->buffers) {
      if (buffer == nullptr || buffer->size() == 0) continue;
      if (buffer->data() < begin || buffer->data() >= begin + (*mapping)->size()) return false;
    }
  }
  return true;
}

}  // namespace

Result<std::unique_ptr<BatchReader>> read_ipc(FileSystem& files, const std::string& path,
                                              std::int64_t first, std::int64_t count,
                                              const SchemaPtr& columns, FileAccess access) {
  const auto file =
      access == FileAccess::map ? TRY(open_mapped(files, path)) : TRY(open_input(files, path));
  std::unique_ptr<Batches> batches;
  if (TRY(is_file(path, *file))) {
    auto options = read_options(*file);
    const auto whole = TRY(open_file(path, file, options));
    for (int i = 0; i < whole->schema()->num_fields(); ++i) {
      const bool wanted = columns->GetFieldByName(whole->schema()->field(i)->name()) != nullptr;
      if (wanted) options.included_fields.push_back(i);
    }
    if (first < 0 || count < 0 || first + count > whole->num_record_batches()) {
      return make_error(ErrorCode::conflict, "'{}' was replaced while the job was reading it",
                        path);
    }
    const auto number = static_cast<int>(first);
    const bool plain =
        access == FileAccess::map && count > 0 && lies_plainly(*whole, *file, number);
    // An empty list would mean all of them. Of a narrow one Arrow copies what it names.
    const auto narrow =
        plain || options.included_fields.empty() ? whole : TRY(open_file(path, file, options));
    batches = std::make_unique<FileBatches>(file, narrow, options, number,
                                            static_cast<int>(first + count));
  } else {
    batches = std::make_unique<StreamBatches>(TRY(open_stream(path, file)));
  }
  return std::unique_ptr<BatchReader>(
      std::make_unique<IpcReader>(path, file, std::move(batches), columns));
}

Result<std::unique_ptr<BatchWriter>> write_ipc(FileSystem& files, const std::string& path,
                                               const SchemaPtr& schema,
                                               const std::string& compression) {
  auto options = arrow::ipc::IpcWriteOptions::Defaults();
  options.use_threads = false;
  if (compression != "none") {
    const auto type =
        compression == "lz4" ? arrow::Compression::LZ4_FRAME : arrow::Compression::ZSTD;
    options.codec = TRY(arrow_try(arrow::util::Codec::Create(type)));
  }
  auto file = TRY(OutputFile::create(files, path));
  auto rows = TRY(arrow_try(arrow::ipc::MakeFileWriter(file->stream(), schema, options)));
  return std::unique_ptr<BatchWriter>(
      std::make_unique<IpcWriter>(std::move(file), std::move(rows)));
}

}  // namespace troupe
