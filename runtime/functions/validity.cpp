#include "runtime/functions/validity.hpp"

#include <arrow/util/bitmap_ops.h>

namespace troupe {

Result<std::shared_ptr<arrow::Buffer>> both_valid(const Vector& a, const Vector& b,
                                                  std::int64_t rows) {
  std::shared_ptr<arrow::Buffer> valid;
  for (const Vector* vector : {&a, &b}) {
    const arrow::Array& values = *vector->values;
    if (values.null_count() == 0) continue;
    if (vector->constant) {
      auto none = TRY(arrow_try(arrow::AllocateEmptyBitmap(rows)));
      return std::shared_ptr<arrow::Buffer>(std::move(none));
    }
    const std::uint8_t* bits = values.null_bitmap_data();
    auto* const pool = arrow::default_memory_pool();
    if (!valid) {
      valid = TRY(arrow_try(arrow::internal::CopyBitmap(pool, bits, values.offset(), rows)));
    } else {
      valid = TRY(arrow_try(
          arrow::internal::BitmapAnd(pool, bits, values.offset(), valid->data(), 0, rows, 0)));
    }
  }
  return valid;
}

}  // namespace troupe
