#include "runtime/data/batch.hpp"

#include "runtime/base/readable.hpp"
#include "runtime/data/arrow_result.hpp"

#include <arrow/array/data.h>
#include <arrow/record_batch.h>
#include <arrow/status.h>
#include <arrow/type.h>
#include <arrow/type_traits.h>
#include <arrow/util/bit_util.h>
#include <arrow/util/byte_size.h>

namespace troupe {

std::int64_t Batch::rows() const { return columns_ ? columns_->num_rows() : 0; }

namespace {

template <class Offset>
std::int64_t text_bytes(const arrow::ArrayData& data) {
  if (data.length == 0 || data.buffers[1] == nullptr) return 0;
  const auto* offsets = data.GetValues<Offset>(1);
  return data.length * static_cast<std::int64_t>(sizeof(Offset)) +
         static_cast<std::int64_t>(offsets[data.length] - offsets[0]);
}

/// Asked for every batch at every step of its way: by arithmetic, where Arrow lists ranges of bytes
/// in arrays that it makes for it.
std::int64_t bytes_of(const arrow::ArrayData& data) {
  const arrow::Type::type id = data.type->id();
  const bool validity = !data.buffers.empty() && data.buffers[0] != nullptr;
  const std::int64_t bits = validity ? arrow::bit_util::BytesForBits(data.length) : 0;
  switch (id) {
    case arrow::Type::NA:
      return 0;
    case arrow::Type::BOOL:
      return bits + arrow::bit_util::BytesForBits(data.length);
    case arrow::Type::STRING:
    case arrow::Type::BINARY:
      return bits + text_bytes<std::int32_t>(data);
    case arrow::Type::LARGE_STRING:
    case arrow::Type::LARGE_BINARY:
      return bits + text_bytes<std::int64_t>(data);
    case arrow::Type::DICTIONARY:
      return bits + data.length * data.type->bit_width() / 8 + bytes_of(*data.dictionary);
    default:
      break;
  }
  if (!arrow::is_fixed_width(id)) return arrow::util::ReferencedBufferSize(data).ValueOr(0);
  return bits + data.length * data.type->bit_width() / 8;
}

}  // namespace

std::int64_t Batch::bytes() const {
  std::int64_t bytes = 0;
  for (int i = 0; columns_ && i < columns_->num_columns(); ++i) {
    bytes += bytes_of(*columns_->column_data(i));
  }
  return bytes;
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
