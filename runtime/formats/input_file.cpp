#include "runtime/formats/input_file.hpp"

#include "runtime/data/arrow_result.hpp"

#include <arrow/buffer.h>
#include <arrow/io/file.h>
#include <arrow/util/io_util.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace troupe {
namespace {

/// A file that is asked for no more bytes than it has: Arrow reserves what it is asked for before
/// it reads, and damaged lengths ask for anything.
class WholeFile final : public arrow::io::RandomAccessFile {
 public:
  WholeFile(std::shared_ptr<arrow::io::ReadableFile> file, std::int64_t size)
      : file_(std::move(file)), size_(size) {}

  arrow::Status Close() override { return file_->Close(); }
  bool closed() const override { return file_->closed(); }
  arrow::Result<std::int64_t> Tell() const override { return file_->Tell(); }
  arrow::Status Seek(std::int64_t position) override { return file_->Seek(position); }
  arrow::Result<std::int64_t> GetSize() override { return size_; }

  arrow::Result<std::int64_t> Read(std::int64_t bytes, void* out) override {
    ARROW_ASSIGN_OR_RAISE(const std::int64_t at, file_->Tell());
    return file_->Read(there(at, bytes), out);
  }
  arrow::Result<std::shared_ptr<arrow::Buffer>> Read(std::int64_t bytes) override {
    ARROW_ASSIGN_OR_RAISE(const std::int64_t at, file_->Tell());
    return file_->Read(there(at, bytes));
  }
  using RandomAccessFile::ReadAt;
  arrow::Result<std::int64_t> ReadAt(std::int64_t at, std::int64_t bytes, void* out) override {
    return file_->ReadAt(at, there(at, bytes), out);
  }
  arrow::Result<std::shared_ptr<arrow::Buffer>> ReadAt(std::int64_t at,
                                                       std::int64_t bytes) override {
    return file_->ReadAt(at, there(at, bytes));
  }

 private:
  /// Of so many bytes from there on, those that the file has. What makes no sense is left to it.
  std::int64_t there(std::int64_t at, std::int64_t bytes) const {
    return at < 0 || bytes < 0 ? bytes : std::min(bytes, std::max<std::int64_t>(size_ - at, 0));
  }

  const std::shared_ptr<arrow::io::ReadableFile> file_;
  const std::int64_t size_;
};

}  // namespace

Result<std::shared_ptr<arrow::io::RandomAccessFile>> open_input(const std::string& path) {
  const auto opened = arrow::io::ReadableFile::Open(path);
  if (opened.ok()) {
    const std::int64_t size = TRY(arrow_try((*opened)->GetSize()));
    return std::shared_ptr<arrow::io::RandomAccessFile>(std::make_shared<WholeFile>(*opened, size));
  }
  const int number = arrow::internal::ErrnoFromStatus(opened.status());
  if (number == ENOENT) return fail(ErrorCode::not_found, "there is no file '{}'", path);
  if (number == EACCES || number == EISDIR) {
    return fail(ErrorCode::invalid_argument, "cannot read '{}': {}", path, std::strerror(number));
  }
  return from_arrow(opened.status()).within(fmt::format("opening '{}'", path));
}

}  // namespace troupe
