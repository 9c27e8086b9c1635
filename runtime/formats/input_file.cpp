#include "runtime/formats/input_file.hpp"

#include "runtime/data/arrow_result.hpp"

#include <arrow/io/file.h>
#include <arrow/util/io_util.h>

#include <cerrno>
#include <cstring>

namespace troupe {

Result<std::shared_ptr<arrow::io::RandomAccessFile>> open_input(const std::string& path) {
  auto opened = arrow::io::ReadableFile::Open(path);
  if (opened.ok()) return std::shared_ptr<arrow::io::RandomAccessFile>(*std::move(opened));
  const int number = arrow::internal::ErrnoFromStatus(opened.status());
  if (number == ENOENT) return fail(ErrorCode::not_found, "there is no file '{}'", path);
  if (number == EACCES || number == EISDIR) {
    return fail(ErrorCode::invalid_argument, "cannot read '{}': {}", path, std::strerror(number));
  }
  return from_arrow(opened.status()).within(fmt::format("opening '{}'", path));
}

}  // namespace troupe
