#include "runtime/formats/output_file.hpp"

#include "runtime/base/ensure.hpp"
#include "runtime/data/arrow_result.hpp"

#include <arrow/buffer.h>
#include <arrow/io/interfaces.h>
#include <arrow/result.h>

#include <optional>

namespace troupe {

/// Collects small writes (Arrow's CSV and IPC writers make many) into calls of a useful size.
class OutputFile::Stream final : public arrow::io::OutputStream {
 public:
  explicit Stream(std::unique_ptr<WritableFile> file) : file_(std::move(file)) {}

  arrow::Status Write(const void* data, std::int64_t size) override {
    position_ += size;
    waiting_.append(static_cast<const char*>(data), static_cast<std::size_t>(size));
    return waiting_.size() >= write_bytes ? Flush() : arrow::Status::OK();
  }

  arrow::Status Flush() override {
    if (!failure_ && !waiting_.empty()) keep(file_->append(waiting_));
    waiting_.clear();
    return failure_ ? to_arrow(*failure_) : arrow::Status::OK();
  }

  arrow::Status Close() override { return Flush(); }
  bool closed() const override { return finished_; }
  arrow::Result<std::int64_t> Tell() const override { return position_; }

  Result<> finish() {
    ENSURE(!finished_, "a file is finished once");
    finished_ = true;
    if (Flush().ok()) keep(file_->sync());
    if (!failure_) keep(file_->close());
    if (failure_) return *failure_;
    return {};
  }

 private:
  static constexpr std::size_t write_bytes = 1 << 20;

  void keep(Result<> outcome) {
    if (!outcome) failure_ = std::move(outcome).error();
  }

  std::unique_ptr<WritableFile> file_;
  std::string waiting_;
  std::int64_t position_ = 0;
  std::optional<Error> failure_;
  bool finished_ = false;
};

Result<std::unique_ptr<OutputFile>> OutputFile::create(FileSystem& files, const std::string& path) {
  auto stream = std::make_shared<Stream>(TRY(files.create(path)));
  return std::unique_ptr<OutputFile>(new OutputFile(std::move(stream), path));
}

OutputFile::OutputFile(std::shared_ptr<Stream> stream, std::string path)
    : file_(stream), stream_(std::move(stream)), path_(std::move(path)) {}

OutputFile::~OutputFile() = default;

std::int64_t OutputFile::bytes() const { return file_->Tell().ValueOr(0); }

Result<> OutputFile::finish() { return file_->finish(); }

}  // namespace troupe
