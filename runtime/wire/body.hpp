#pragma once

#include "runtime/base/result.hpp"
#include "runtime/wire/data_frame.hpp"

#include <arrow/io/interfaces.h>
#include <arrow/result.h>

#include <memory>
#include <vector>

namespace troupe {

/// Collects the buffers of one data frame as message parts: a large buffer is a part as it is, a
/// run of small ones is copied into one. Every buffer begins at a multiple of 8 of the whole body.
class BodyWriter {
 public:
  /// Appends the buffer, padded to a multiple of 8 as Arrow's metadata counts it.
  void add(const std::shared_ptr<arrow::Buffer>& buffer);
  std::uint64_t size() const { return size_; }
  MessageParts finish();

 private:
  void pad(std::size_t bytes);

  MessageParts parts_;
  std::string small_;  ///< not yet a part
  std::uint64_t size_ = 0;
  void flush_small();
};

/// A range of the parts of a data frame, read as one file. A read within one part is a slice of it;
/// a read over several parts copies, but our writers never cut a buffer.
class BodyReader final : public arrow::io::RandomAccessFile {
 public:
  /// `parts` without the header; the range must lie within them.
  static Result<std::shared_ptr<BodyReader>> open(MessageParts parts, std::uint64_t offset,
                                                  std::uint64_t length);

  arrow::Status Close() override { return arrow::Status::OK(); }
  bool closed() const override { return false; }
  arrow::Result<std::int64_t> Tell() const override { return position_; }
  arrow::Status Seek(std::int64_t position) override;
  arrow::Result<std::int64_t> GetSize() override { return length_; }
  arrow::Result<std::int64_t> Read(std::int64_t bytes, void* out) override;
  arrow::Result<std::shared_ptr<arrow::Buffer>> Read(std::int64_t bytes) override;
  arrow::Result<std::int64_t> ReadAt(std::int64_t position, std::int64_t bytes, void* out) override;
  arrow::Result<std::shared_ptr<arrow::Buffer>> ReadAt(std::int64_t position,
                                                       std::int64_t bytes) override;
  bool supports_zero_copy() const override { return true; }

 private:
  BodyReader(MessageParts parts, std::vector<std::uint64_t> ends, std::int64_t offset,
             std::int64_t length);

  MessageParts parts_;
  std::vector<std::uint64_t> ends_;  ///< where each part ends in the whole body
  std::int64_t offset_;
  std::int64_t length_;
  std::int64_t position_ = 0;
};

}  // namespace troupe
