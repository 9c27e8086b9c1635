#include "runtime/formats/column_chunk.hpp"

#include <arrow/buffer.h>
#include <arrow/io/interfaces.h>
#include <parquet/column_reader.h>
#include <parquet/exception.h>
#include <parquet/metadata.h>
#include <parquet/properties.h>

#include <algorithm>
#include <string_view>

namespace troupe {
namespace {

constexpr std::int64_t read_bytes = 1 << 20;  ///< at a time

/// A range of a file as a stream, whose pieces are parts of what has been read, not copies.
class RangeStream final : public arrow::io::InputStream {
 public:
  RangeStream(std::shared_ptr<arrow::io::RandomAccessFile> file, std::int64_t begin,
              std::int64_t end)
      : file_(std::move(file)), begin_(begin), end_(end), at_(begin) {}

  arrow::Status Close() override {
    held_.reset();
    closed_ = true;
    return arrow::Status::OK();
  }
  bool closed() const override { return closed_; }
  arrow::Result<std::int64_t> Tell() const override { return at_ - begin_; }

  arrow::Result<std::string_view> Peek(std::int64_t bytes) override {
    ARROW_ASSIGN_OR_RAISE(const std::int64_t there, hold(bytes));
    return std::string_view(reinterpret_cast<const char*>(held_->data()) + (at_ - held_from_),
                            static_cast<std::size_t>(there));
  }
  arrow::Result<std::shared_ptr<arrow::Buffer>> Read(std::int64_t bytes) override {
    ARROW_ASSIGN_OR_RAISE(const std::int64_t there, hold(bytes));
    auto piece = arrow::SliceBuffer(held_, at_ - held_from_, there);
    at_ += there;
    return piece;
  }
  arrow::Result<std::int64_t> Read(std::int64_t bytes, void* out) override {
    ARROW_ASSIGN_OR_RAISE(const std::string_view piece, Peek(bytes));
    std::copy(piece.begin(), piece.end(), static_cast<char*>(out));
    at_ += static_cast<std::int64_t>(piece.size());
    return static_cast<std::int64_t>(piece.size());
  }

 private:
  /// Sees to it that the next `bytes` bytes are held, or as many as there are.
  arrow::Result<std::int64_t> hold(std::int64_t bytes) {
    bytes = std::clamp<std::int64_t>(bytes, 0, end_ - at_);
    if (held_ == nullptr || at_ + bytes > held_from_ + held_->size()) {
      const std::int64_t wanted = std::max(bytes, std::min(read_bytes, end_ - at_));
      ARROW_ASSIGN_OR_RAISE(held_, file_->ReadAt(at_, wanted));
      held_from_ = at_;
    }
    return std::min(bytes, held_from_ + held_->size() - at_);
  }

  const std::shared_ptr<arrow::io::RandomAccessFile> file_;
  const std::int64_t begin_;
  const std::int64_t end_;
  std::int64_t at_;
  std::shared_ptr<arrow::Buffer> held_;
  std::int64_t held_from_ = 0;
  bool closed_ = false;
};

struct Range {
  std::int64_t begin;
  std::int64_t end;
};

/// Where the pages of a chunk are, by its footer.
Range range_of(const parquet::ColumnChunkMetaData& chunk, const parquet::FileMetaData& metadata,
               std::int64_t file_bytes) {
  std::int64_t begin = chunk.data_page_offset();
  if (chunk.has_dictionary_page() && chunk.dictionary_page_offset() > 0) {
    begin = std::min(begin, chunk.dictionary_page_offset());
  }
  std::int64_t end = 0;
  const bool sane = begin >= 0 && chunk.total_compressed_size() >= 0 &&
                    !__builtin_add_overflow(begin, chunk.total_compressed_size(), &end) &&
                    end <= file_bytes;
  if (!sane) throw parquet::ParquetException("its pages are not inside of the file");
  // Old versions of parquet-mr left the header of the dictionary out of the size.
  constexpr std::int64_t header_bytes_max = 100;
  if (metadata.writer_version().VersionLt(
          parquet::ApplicationVersion::PARQUET_816_FIXED_VERSION())) {
    end += std::min(header_bytes_max, file_bytes - end);
  }
  return {begin, end};
}

}  // namespace

ColumnChunk open_chunk(const std::shared_ptr<arrow::io::RandomAccessFile>& file,
                       const parquet::FileMetaData& metadata, int group, int leaf,
                       arrow::MemoryPool* memory) {
  const auto chunk = metadata.RowGroup(group)->ColumnChunk(leaf);
  PARQUET_ASSIGN_OR_THROW(const std::int64_t file_bytes, file->GetSize());
  const Range range = range_of(*chunk, metadata, file_bytes);
  auto stream = std::make_shared<RangeStream>(file, range.begin, range.end);
  ColumnChunk opened;
  opened.snappy = chunk->compression() == parquet::Compression::SNAPPY;
  opened.pages = parquet::PageReader::Open(
      std::move(stream), chunk->num_values(),
      opened.snappy ? parquet::Compression::UNCOMPRESSED : chunk->compression(),
      parquet::ReaderProperties(memory), *metadata.schema()->Column(leaf));
  return opened;
}

}  // namespace troupe
