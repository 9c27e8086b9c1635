#pragma once

#include <cstdint>
#include <memory>

namespace arrow {
class MemoryPool;
class ResizableBuffer;
}  // namespace arrow

namespace troupe {

/// Unpacks the pages of a column, one after the other, into the same memory. By the library snappy
/// itself: the copy of it in Arrow's takes half as much time again.
class SnappyPage {
 public:
  explicit SnappyPage(arrow::MemoryPool* memory) : memory_(memory) {}

  /// The bytes, until the next call. Throws parquet::ParquetException where they are damaged, or
  /// not as many as the page says; -1: it does not say.
  const std::uint8_t* unpack(const std::uint8_t* packed, std::int64_t packed_bytes,
                             std::int64_t expected);
  std::int64_t size() const { return size_; }

 private:
  arrow::MemoryPool* const memory_;
  std::shared_ptr<arrow::ResizableBuffer> buffer_;
  std::int64_t size_ = 0;
};

}  // namespace troupe
