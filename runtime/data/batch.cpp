#include "runtime/data/batch.hpp"

#include "runtime/base/readable.hpp"
#include "runtime/data/arrow_result.hpp"

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

namespace {

/// Rides on a status through code that knows nothing of our errors.
class CarriedError final : public arrow::StatusDetail {
 public:
  static constexpr const char* id = "troupe.error";

  explicit CarriedError(Error error) : error_(std::move(error)) {}
  const char* type_id() const override { return id; }
  std::string ToString() const override { return error_.to_string(); }
  const Error& error() const { return error_; }

 private:
  const Error error_;
};

}  // namespace

arrow::Status to_arrow(const Error& error) {
  return {arrow::StatusCode::IOError, error.message, std::make_shared<CarriedError>(error)};
}

const Error* carried_error(const arrow::Status& status) {
  const auto& detail = status.detail();
  const bool ours = detail != nullptr && std::string_view(detail->type_id()) == CarriedError::id;
  return ours ? &static_cast<const CarriedError&>(*detail).error() : nullptr;
}

Error from_arrow(const arrow::Status& status) {
  if (const Error* ours = carried_error(status)) return *ours;
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
