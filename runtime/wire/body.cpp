#include "runtime/wire/body.hpp"

#include "runtime/wire/batch_codec.hpp"

#include <arrow/buffer.h>
#include <arrow/status.h>

#include <algorithm>
#include <cstring>

namespace troupe {
namespace {
constexpr std::size_t alignment = 8;

std::size_t padding_of(std::uint64_t size) { return (alignment - size % alignment) % alignment; }
}  // namespace

void BodyWriter::add(const std::shared_ptr<arrow::Buffer>& buffer) {
  const std::int64_t bytes = buffer == nullptr ? 0 : buffer->size();
  if (bytes == 0) return;
  if (bytes < zero_copy_bytes_min) {
    small_.append(reinterpret_cast<const char*>(buffer->data()), static_cast<std::size_t>(bytes));
  } else {
    flush_small();
    parts_.push_back(buffer);
  }
  size_ += static_cast<std::uint64_t>(bytes);
  // Padding behind a large buffer begins the next run of small ones: the buffer is never touched.
  pad(padding_of(size_));
}

void BodyWriter::pad(std::size_t bytes) {
  small_.append(bytes, '\0');
  size_ += bytes;
}

void BodyWriter::flush_small() {
  if (small_.empty()) return;
  parts_.push_back(arrow::Buffer::FromString(std::exchange(small_, {})));
}

MessageParts BodyWriter::finish() {
  flush_small();
  return std::exchange(parts_, {});
}

Result<std::shared_ptr<BodyReader>> BodyReader::open(MessageParts parts, std::uint64_t offset,
                                                     std::uint64_t length) {
  std::vector<std::uint64_t> ends;
  std::uint64_t end = 0;
  for (const auto& part : parts) ends.push_back(end += static_cast<std::uint64_t>(part->size()));
  if (offset > end || length > end - offset) {
    return make_error(ErrorCode::corrupt, "a section at {} of {} bytes in a body of {}", offset,
                      length, end);
  }
  return std::shared_ptr<BodyReader>(new BodyReader(std::move(parts), std::move(ends),
                                                    static_cast<std::int64_t>(offset),
                                                    static_cast<std::int64_t>(length)));
}

BodyReader::BodyReader(MessageParts parts, std::vector<std::uint64_t> ends, std::int64_t offset,
                       std::int64_t length)
    : parts_(std::move(parts)), ends_(std::move(ends)), offset_(offset), length_(length) {}

arrow::Status BodyReader::Seek(std::int64_t position) {
  if (position < 0 || position > length_) return arrow::Status::Invalid("seek outside the body");
  position_ = position;
  return arrow::Status::OK();
}

arrow::Result<std::int64_t> BodyReader::Read(std::int64_t bytes, void* out) {
  ARROW_ASSIGN_OR_RAISE(const std::int64_t count, ReadAt(position_, bytes, out));
  position_ += count;
  return count;
}

arrow::Result<std::shared_ptr<arrow::Buffer>> BodyReader::Read(std::int64_t bytes) {
  ARROW_ASSIGN_OR_RAISE(auto buffer, ReadAt(position_, bytes));
  position_ += buffer->size();
  return buffer;
}

arrow::Result<std::int64_t> BodyReader::ReadAt(std::int64_t position, std::int64_t bytes,
                                               void* out) {
  ARROW_ASSIGN_OR_RAISE(const auto buffer, ReadAt(position, bytes));
  if (buffer->size() > 0)
    std::memcpy(out, buffer->data(), static_cast<std::size_t>(buffer->size()));
  return buffer->size();
}

arrow::Result<std::shared_ptr<arrow::Buffer>> BodyReader::ReadAt(std::int64_t position,
                                                                 std::int64_t bytes) {
  if (position < 0 || bytes < 0 || position > length_ || bytes > length_ - position) {
    return arrow::Status::Invalid("a buffer at ", position, " of ", bytes,
                                  " bytes in a section of ", length_);
  }
  if (bytes == 0) return arrow::Buffer::FromString("");
  auto begin = static_cast<std::uint64_t>(offset_ + position);
  auto index = static_cast<std::size_t>(std::ranges::upper_bound(ends_, begin) - ends_.begin());
  const auto size = static_cast<std::uint64_t>(bytes);
  const auto start_of = [&](std::size_t i) { return i == 0 ? 0 : ends_[i - 1]; };
  if (begin + size <= ends_[index]) {
    return arrow::SliceBuffer(parts_[index], static_cast<std::int64_t>(begin - start_of(index)),
                              bytes);
  }
  // Our writers never cut a buffer. A peer's frame may, and the bytes must still be the right ones.
  std::string joined;
  while (joined.size() < size) {
    const auto& part = *parts_[index];
    const auto from = begin - start_of(index);
    const auto count = std::min(size - joined.size(), ends_[index] - begin);
    joined.append(reinterpret_cast<const char*>(part.data()) + from, count);
    begin += count;
    ++index;
  }
  return arrow::Buffer::FromString(std::move(joined));
}

}  // namespace troupe
