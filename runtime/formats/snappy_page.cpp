#include "runtime/formats/snappy_page.hpp"

#include <arrow/buffer.h>
#include <fmt/format.h>
#include <parquet/exception.h>

#include <snappy.h>

namespace troupe {

const std::uint8_t* SnappyPage::unpack(const std::uint8_t* packed, std::int64_t packed_bytes,
                                       std::int64_t expected) {
  const auto* from = reinterpret_cast<const char*>(packed);
  const auto bytes = static_cast<std::size_t>(packed_bytes);
  std::size_t size = 0;
  if (!snappy::GetUncompressedLength(from, bytes, &size)) {
    throw parquet::ParquetException("a page that Snappy has not packed");
  }
  size_ = static_cast<std::int64_t>(size);
  if (expected >= 0 && size_ != expected) {
    throw parquet::ParquetException(
        fmt::format("a page unpacks to {} bytes and claims {}", size_, expected));
  }
  if (buffer_ == nullptr) {
    PARQUET_ASSIGN_OR_THROW(auto made, arrow::AllocateResizableBuffer(size_, memory_));
    buffer_ = std::move(made);
  } else if (buffer_->capacity() < size_) {
    PARQUET_THROW_NOT_OK(buffer_->Resize(0, false));
    PARQUET_THROW_NOT_OK(buffer_->Resize(size_, false));
  }
  if (!snappy::RawUncompress(from, bytes, reinterpret_cast<char*>(buffer_->mutable_data()))) {
    throw parquet::ParquetException("a page that does not unpack");
  }
  return buffer_->data();
}

}  // namespace troupe
