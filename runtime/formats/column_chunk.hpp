#pragma once

#include <memory>

namespace arrow {
class MemoryPool;
}
namespace arrow::io {
class RandomAccessFile;
}
namespace parquet {
class FileMetaData;
class PageReader;
}  // namespace parquet

namespace troupe {

/// The pages of one column of one row group, in their order.
struct ColumnChunk {
  std::unique_ptr<parquet::PageReader> pages;
  /// Whether their bytes are still as Snappy has packed them, so that a page whose rows nobody
  /// needs is never unpacked. What other codecs have packed, the library unpacks.
  bool snappy = false;
};

/// Opens the pages of a column chunk. They are read a piece of the chunk at a time and lie where
/// they were read, uncopied. Throws what the library throws where the footer tells no sound place.
ColumnChunk open_chunk(const std::shared_ptr<arrow::io::RandomAccessFile>& file,
                       const parquet::FileMetaData& metadata, int group, int leaf,
                       arrow::MemoryPool* memory);

}  // namespace troupe
