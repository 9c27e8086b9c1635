#include "runtime/data/batch.hpp"

#include "runtime/base/readable.hpp"

#include <arrow/record_batch.h>
#include <arrow/status.h>
#include <arrow/type.h>
#include <arrow/util/byte_size.h>

namespace troupe {

std::int64_t Batch::rows() const { return columns_ ? columns_->num_rows() : 0; }

std::int64_t Batch::bytes() const {
  return columns_ ? arrow::util::ReferencedBufferSize(*columns_).ValueOr(0) : 0;
}

std::shared_ptr<arrow::DataType> logical_type(const std::shared_ptr<arrow::DataType>& type) {
  if (type->id() != arrow::Type::DICTIONARY) return type;
  return static_cast<const arrow::DictionaryType&>(*type).value_type();
}

Error from_arrow(const arrow::Status& status) {
  ErrorCode code = ErrorCode::internal;
  if (status.IsIOError() || status.IsOutOfMemory()) code = ErrorCode::unavailable;
  if (status.IsInvalid() || status.IsTypeError() || status.IsKeyError() || status.IsIndexError() ||
      status.IsCapacityError()) {
    code = ErrorCode::invalid_argument;
  }
  if (status.IsNotImplemented()) code = ErrorCode::unsupported;
  if (status.IsCancelled()) code = ErrorCode::cancelled;
  return Error{code, readable(status.message())};
}

}  // namespace troupe
