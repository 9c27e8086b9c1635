#include "runtime/formats/parquet_error.hpp"

#include "runtime/data/batch.hpp"

#include <arrow/util/io_util.h>

namespace troupe {

Error parquet_error(const std::string& path, const arrow::Status& status) {
  if (status.IsNotImplemented()) {
    return fail(ErrorCode::unsupported, "'{}': {}", path, status.message());
  }
  const bool storage = arrow::internal::ErrnoFromStatus(status) != 0;
  if (storage || status.IsOutOfMemory()) {
    return from_arrow(status).within(fmt::format("reading '{}'", path));
  }
  Error error =
      fail(ErrorCode::corrupt, "'{}' is not a whole Parquet file: {}", path, status.message());
  error.hint = "write it again, or leave it out of 'path'";
  return error;
}

}  // namespace troupe
