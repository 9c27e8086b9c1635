#include "runtime/formats/ipc_file.hpp"

#include "runtime/data/arrow_result.hpp"
#include "runtime/formats/column_types.hpp"
#include "runtime/formats/input_file.hpp"
#include "runtime/formats/output_file.hpp"

#include <arrow/array.h>
#include <arrow/buffer.h>
#include <arrow/io/interfaces.h>
#include <arrow/ipc/reader.h>
#include <arrow/ipc/writer.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <arrow/util/compression.h>

#include <algorithm>

namespace troupe {
namespace {

Error damaged(const std::string& path, const arrow::Status& status) {
  if (status.IsNotImplemented()) {
    return fail(ErrorCode::unsupported, "'{}': {}", path, status.message());
  }
  Error error =
      fail(ErrorCode::corrupt, "'{}' is not a whole Arrow IPC file: {}", path, status.message());
  error.hint = "write it again, or leave it out of 'path'";
  return error;
}

template <class T>
Result<T> read_try(const std::string& path, arrow::Result<T>&& result) {
  if (!result.ok()) return damaged(path, result.status());
  return *std::move(result);
}

/// A file has an index of its batches; a stream does not, and begins differently.
Result<bool> is_file(const std::string& path, arrow::io::RandomAccessFile& file) {
  constexpr std::string_view magic = "ARROW1";
  const auto head = TRY(read_try(path, file.Read(static_cast<std::int64_t>(magic.size()))));
  TRY(arrow_try(file.Seek(0)));
  return std::string_view(*head) == magic;
}

arrow::ipc::IpcReadOptions read_options() {
  auto options = arrow::ipc::IpcReadOptions::Defaults();
  options.use_threads = false;
  return options;
}

/// Batches of a file or a stream, one after the other.
class Batches {
 public:
  virtual ~Batches() = default;
  /// Null at the end.
  virtual arrow::Result<std::shared_ptr<arrow::RecordBatch>> next() = 0;
};

class FileBatches final : public Batches {
 public:
  FileBatches(std::shared_ptr<arrow::ipc::RecordBatchFileReader> file, int first, int end)
      : file_(std::move(file)), at_(first), end_(end) {}
  arrow::Result<std::shared_ptr<arrow::RecordBatch>> next() override {
    if (at_ == end_) return std::shared_ptr<arrow::RecordBatch>();
    return file_->ReadRecordBatch(at_++);
  }

 private:
  const std::shared_ptr<arrow::ipc::RecordBatchFileReader> file_;
  int at_;
  const int end_;
};

class StreamBatches final : public Batches {
 public:
  explicit StreamBatches(std::shared_ptr<arrow::ipc::RecordBatchStreamReader> stream)
      : stream_(std::move(stream)) {}
  arrow::Result<std::shared_ptr<arrow::RecordBatch>> next() override { return stream_->Next(); }

 private:
  const std::shared_ptr<arrow::ipc::RecordBatchStreamReader> stream_;
};

class IpcReader final : public BatchReader {
 public:
  IpcReader(std::string path, std::unique_ptr<Batches> batches, SchemaPtr columns)
      : path_(std::move(path)), batches_(std::move(batches)), columns_(std::move(columns)) {}

  Result<Batch> next() override {
    while (rows_ == nullptr || taken_ == rows_->num_rows()) {
      const auto found = TRY(read_try(path_, batches_->next()));
      if (found == nullptr) return Batch();
      if (const auto valid = found->ValidateFull(); !valid.ok()) return damaged(path_, valid);
      rows_ = TRY(chosen(*found));
      taken_ = 0;
    }
    const std::int64_t rows = std::min(batch_rows_max, rows_->num_rows() - taken_);
    const auto slice = rows_->Slice(taken_, rows);
    taken_ += rows;
    return Batch(slice);
  }

 private:
  Result<std::shared_ptr<arrow::RecordBatch>> chosen(const arrow::RecordBatch& found) const {
    arrow::ArrayVector columns;
    arrow::FieldVector fields;
    for (const auto& field : columns_->fields()) {
      const auto column = found.GetColumnByName(field->name());
      if (column == nullptr) {
        return fail(ErrorCode::invalid_argument, "'{}' has no column '{}'", path_, field->name());
      }
      columns.push_back(TRY(as_runtime_column(column, field->type())));
      fields.push_back(field->WithType(columns.back()->type()));
    }
    return arrow::RecordBatch::Make(arrow::schema(std::move(fields)), found.num_rows(),
                                    std::move(columns));
  }

  const std::string path_;
  const std::unique_ptr<Batches> batches_;
  const SchemaPtr columns_;
  std::shared_ptr<arrow::RecordBatch> rows_;
  std::int64_t taken_ = 0;
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

}  // namespace

Result<IpcInfo> ipc_info(const std::string& path) {
  const auto file = TRY(open_input(path));
  IpcInfo info;
  if (!TRY(is_file(path, *file))) {
    const auto stream = TRY(read_try(
        path, arrow::ipc::RecordBatchStreamReader::Open(
                  std::static_pointer_cast<arrow::io::InputStream>(file), read_options())));
    info.schema = TRY(runtime_schema(*stream->schema(), path));
    return info;
  }
  const auto reader =
      TRY(read_try(path, arrow::ipc::RecordBatchFileReader::Open(file, read_options())));
  info.schema = TRY(runtime_schema(*reader->schema(), path));
  info.batches = reader->num_record_batches();
  info.rows = TRY(read_try(path, reader->CountRows()));
  return info;
}

Result<std::unique_ptr<BatchReader>> read_ipc(const std::string& path, std::int64_t first,
                                              std::int64_t count, const SchemaPtr& columns) {
  const auto file = TRY(open_input(path));
  auto options = read_options();
  std::unique_ptr<Batches> batches;
  if (TRY(is_file(path, *file))) {
    const auto whole = TRY(read_try(path, arrow::ipc::RecordBatchFileReader::Open(file, options)));
    for (int i = 0; i < whole->schema()->num_fields(); ++i) {
      const bool wanted = columns->GetFieldByName(whole->schema()->field(i)->name()) != nullptr;
      if (wanted) options.included_fields.push_back(i);
    }
    if (first < 0 || count < 0 || first + count > whole->num_record_batches()) {
      return fail(ErrorCode::conflict, "'{}' was replaced while the job was reading it", path);
    }
    // An empty list would mean all of them.
    const auto narrow =
        options.included_fields.empty()
            ? whole
            : TRY(read_try(path, arrow::ipc::RecordBatchFileReader::Open(file, options)));
    batches = std::make_unique<FileBatches>(narrow, static_cast<int>(first),
                                            static_cast<int>(first + count));
  } else {
    batches = std::make_unique<StreamBatches>(
        TRY(read_try(path, arrow::ipc::RecordBatchStreamReader::Open(
                               std::static_pointer_cast<arrow::io::InputStream>(file), options))));
  }
  return std::unique_ptr<BatchReader>(
      std::make_unique<IpcReader>(path, std::move(batches), columns));
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
