#include "runtime/data/take_true.hpp"

#include "runtime/base/ensure.hpp"
#include "runtime/data/take.hpp"

#include <arrow/array.h>
#include <arrow/record_batch.h>
#include <arrow/util/bit_util.h>

#include <algorithm>
#include <bit>
#include <cstring>

namespace troupe {
namespace {

/// Up to 64 bits from any place on.
std::uint64_t bits_at(const std::uint8_t* bitmap, std::int64_t from, std::int64_t count) {
  const std::uint8_t* bytes = bitmap + from / 8;
  const auto shift = static_cast<int>(from % 8);
  const std::int64_t used = arrow::bit_util::BytesForBits(shift + count);
  std::uint64_t bits = 0;
  std::memcpy(&bits, bytes, static_cast<std::size_t>(std::min<std::int64_t>(used, 8)));
  bits >>= shift;
  if (used > 8) bits |= static_cast<std::uint64_t>(bytes[8]) << (64 - shift);
  return count == 64 ? bits : bits & ((std::uint64_t{1} << count) - 1);
}

/// The numbers of the rows that are true; there are `count` of them.
std::vector<std::uint32_t> true_rows(const arrow::BooleanArray& truth, std::int64_t count) {
  std::vector<std::uint32_t> rows(static_cast<std::size_t>(count));
  std::uint32_t* next = rows.data();
  const auto add = [&](std::int64_t first, std::uint64_t bits) {
    for (; bits != 0; bits &= bits - 1) {
      *next++ = static_cast<std::uint32_t>(first + std::countr_zero(bits));
    }
  };
  const std::uint8_t* values = truth.values()->data();
  const std::uint8_t* valid = truth.null_count() > 0 ? truth.null_bitmap_data() : nullptr;
  for (std::int64_t first = 0; first < truth.length(); first += 64) {
    const std::int64_t length = std::min<std::int64_t>(64, truth.length() - first);
    std::uint64_t bits = bits_at(values, truth.offset() + first, length);
    if (valid) bits &= bits_at(valid, truth.offset() + first, length);
    add(first, bits);
  }
  return rows;
}

}  // namespace

Result<Batch> take_true(const Batch& batch, const arrow::Array& truth) {
  ENSURE(truth.type_id() == arrow::Type::BOOL && truth.length() == batch.rows(),
         "{} values decide on {} rows", truth.length(), batch.rows());
  const auto& values = static_cast<const arrow::BooleanArray&>(truth);
  const std::int64_t kept = values.true_count();
  if (kept == batch.rows()) return batch;
  if (kept == 0) return Batch(batch.columns()->Slice(0, 0));
  return take(batch, true_rows(values, kept));
}

}  // namespace troupe
