#pragma once

#include "runtime/base/result.hpp"

#include <memory>
#include <string>

namespace arrow::io {
class RandomAccessFile;
class InputStream;
}  // namespace arrow::io

namespace troupe {

/// Opens a file of the user's for reading; `not_found` with its name where there is none. Reads go
/// through `pread`, not a memory map: a file that is cut short meanwhile must be an error of this
/// job and not a signal that ends the node.
Result<std::shared_ptr<arrow::io::RandomAccessFile>> open_input(const std::string& path);

}  // namespace troupe
