#pragma once

#include "runtime/base/result.hpp"
#include "runtime/os/file_system.hpp"

#include <memory>
#include <optional>
#include <string>

namespace arrow::io {
class RandomAccessFile;
class InputStream;
}  // namespace arrow::io

namespace troupe {

/// Opens a file of the user's as what Arrow's readers want; `not_found` with its name where there
/// is none. It is asked for no more bytes than it has, and one that gives fewer is an error: a disk
/// that stops in the middle must not look like the end of the rows.
///
/// By reads, not a memory map: a file that is cut short meanwhile must be an error of this job and
/// not a signal that ends the node.
Result<std::shared_ptr<arrow::io::RandomAccessFile>> open_input(FileSystem& files,
                                                                const std::string& path);

/// The same file mapped into memory (`ReadableFile::map`): what Arrow reads of it is not copied.
/// For files of which the user says that nobody changes them while the job runs.
Result<std::shared_ptr<arrow::io::RandomAccessFile>> open_mapped(FileSystem& files,
                                                                 const std::string& path);

/// What the disk said when it failed under such a file: Arrow's code may make of it a sentence on
/// damage.
std::optional<Error> disk_error(const arrow::io::RandomAccessFile& file);

}  // namespace troupe
