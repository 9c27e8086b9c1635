#pragma once

#include "runtime/formats/batch_writer.hpp"
#include "runtime/operator/batch_reader.hpp"
#include "runtime/os/file_system.hpp"

#include <memory>
#include <string>
#include <vector>

namespace troupe {

/// What an Arrow IPC file (or stream) tells without reading its rows.
struct IpcInfo {
  SchemaPtr schema;
  std::int64_t rows = -1;    ///< of a file, about; a stream does not say
  std::int64_t batches = 1;  ///< parts it can be read in; a stream is one
};
/// No part of a file tells how many rows there are in all: it asks some of its record batches.
Result<IpcInfo> ipc_info(FileSystem& files, const std::string& path);
/// Its columns alone.
Result<SchemaPtr> ipc_schema(FileSystem& files, const std::string& path);

/// How the bytes of a file come into memory: copied, or as they lie on the disk (`open_mapped`).
enum class FileAccess { read, map };

/// Record batches [first, first + count) of a file, or the whole of a stream, with these columns.
/// Everything is checked on the way in: a damaged file is `corrupt` and harms nobody.
Result<std::unique_ptr<BatchReader>> read_ipc(FileSystem& files, const std::string& path,
                                              std::int64_t first, std::int64_t count,
                                              const SchemaPtr& columns,
                                              FileAccess access = FileAccess::read);

/// A file (not a stream), compressed with "lz4", "zstd" or "none".
Result<std::unique_ptr<BatchWriter>> write_ipc(FileSystem& files, const std::string& path,
                                               const SchemaPtr& schema,
                                               const std::string& compression);

}  // namespace troupe
