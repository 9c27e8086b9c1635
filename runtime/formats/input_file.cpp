#include "runtime/formats/input_file.hpp"

#include "runtime/base/node_fault.hpp"
#include "runtime/data/arrow_result.hpp"

#include <arrow/buffer.h>
#include <arrow/io/memory.h>

#include <algorithm>

namespace troupe {
namespace {

/// A file of a `FileSystem`, as Arrow sees files. Arrow reserves what it asks for before it reads,
/// and damaged lengths ask for anything: so no more is read than there is.
class InputFile final : public arrow::io::RandomAccessFile {
 public:
  InputFile(std::unique_ptr<ReadableFile> file, std::string path, std::int64_t size)
      : file_(std::move(file)), path_(std::move(path)), size_(size) {}

  arrow::Status Close() override {
    file_.reset();
    return arrow::Status::OK();
  }
  bool closed() const override { return file_ == nullptr; }
  arrow::Result<std::int64_t> Tell() const override { return position_; }
  arrow::Status Seek(std::int64_t position) override {
    if (position < 0) return arrow::Status::Invalid("a place before the begin");
    position_ = position;
    return arrow::Status::OK();
  }
  arrow::Result<std::int64_t> GetSize() override { return size_; }
  const std::optional<Error>& failure() const { return failure_; }

  arrow::Result<std::int64_t> Read(std::int64_t bytes, void* out) override {
    ARROW_ASSIGN_OR_RAISE(const std::int64_t read, ReadAt(position_, bytes, out));
    position_ += read;
    return read;
  }
  arrow::Result<std::shared_ptr<arrow::Buffer>> Read(std::int64_t bytes) override {
    ARROW_ASSIGN_OR_RAISE(auto buffer, ReadAt(position_, bytes));
    position_ += buffer->size();
    return buffer;
  }

  using RandomAccessFile::ReadAt;
  arrow::Result<std::int64_t> ReadAt(std::int64_t at, std::int64_t bytes, void* out) override {
    ARROW_ASSIGN_OR_RAISE(const std::int64_t wanted, there(at, bytes));
    ARROW_RETURN_NOT_OK(fill(at, wanted, out));
    return wanted;
  }
  arrow::Result<std::shared_ptr<arrow::Buffer>> ReadAt(std::int64_t at,
                                                       std::int64_t bytes) override {
    ARROW_ASSIGN_OR_RAISE(const std::int64_t wanted, there(at, bytes));
    ARROW_ASSIGN_OR_RAISE(auto buffer, arrow::AllocateBuffer(wanted));
    ARROW_RETURN_NOT_OK(fill(at, wanted, buffer->mutable_data()));
    buffer->ZeroPadding();
    return std::shared_ptr<arrow::Buffer>(std::move(buffer));
  }

 private:
  /// Of so many bytes from there on, those that the file has.
  arrow::Result<std::int64_t> there(std::int64_t at, std::int64_t bytes) const {
    if (file_ == nullptr) return arrow::Status::Invalid("the file is closed");
    if (at < 0 || bytes < 0) return arrow::Status::Invalid("a place before the begin");
    return std::min(bytes, std::max<std::int64_t>(size_ - at, 0));
  }

  arrow::Status fill(std::int64_t at, std::int64_t bytes, void* out) {
    const auto wanted = static_cast<std::size_t>(bytes);
    const auto read =
        file_->read_at(static_cast<std::uint64_t>(at), {static_cast<char*>(out), wanted});
    if (read && *read == wanted) return arrow::Status::OK();
    failure_ = read ? stopped(at, *read) : read.error();
    return to_arrow(*failure_);
  }

  /// Where somebody has cut it meanwhile, whoever knows its version says so instead.
  Error stopped(std::int64_t at, std::size_t read) const {
    return node_fault(make_error(ErrorCode::unavailable,
                                 "cannot read '{}': the disk gives {} of its {} bytes", path_,
                                 at + static_cast<std::int64_t>(read), size_));
  }

  std::unique_ptr<ReadableFile> file_;
  const std::string path_;
  const std::int64_t size_;
  std::int64_t position_ = 0;
  std::optional<Error> failure_;
};

/// Holds the bytes that it shows.
class MappedBuffer final : public arrow::Buffer {
 public:
  explicit MappedBuffer(std::shared_ptr<const std::string_view> bytes)
      : arrow::Buffer(reinterpret_cast<const std::uint8_t*>(bytes->data()),
                      static_cast<std::int64_t>(bytes->size())),
        bytes_(std::move(bytes)) {}

 private:
  const std::shared_ptr<const std::string_view> bytes_;
};

Result<std::unique_ptr<ReadableFile>> open_named(FileSystem& files, const std::string& path) {
  auto file = files.open(path);
  if (!file && file.error().code == ErrorCode::not_found) {
    return make_error(ErrorCode::not_found, "there is no file '{}'", path);
  }
  return file;
}

}  // namespace

Result<std::shared_ptr<arrow::io::RandomAccessFile>> open_input(FileSystem& files,
                                                                const std::string& path) {
  auto file = TRY(open_named(files, path));
  const auto size = static_cast<std::int64_t>(TRY(file->size()));
  return std::shared_ptr<arrow::io::RandomAccessFile>(
      std::make_shared<InputFile>(std::move(file), path, size));
}

Result<std::shared_ptr<arrow::io::RandomAccessFile>> open_mapped(FileSystem& files,
                                                                 const std::string& path) {
  auto bytes = TRY(TRY(open_named(files, path))->map());
  return std::shared_ptr<arrow::io::RandomAccessFile>(
      std::make_shared<arrow::io::BufferReader>(std::make_shared<MappedBuffer>(std::move(bytes))));
}

std::optional<Error> disk_error(const arrow::io::RandomAccessFile& file) {
  const auto* input = dynamic_cast<const InputFile*>(&file);
  return input ? input->failure() : std::nullopt;  // one that is in memory does not fail
}

}  // namespace troupe
