#include "runtime/data/key_hash.hpp"

#include "runtime/data/stored_number.hpp"

#include <arrow/array.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <bit>
#include <cmath>
#include <limits>
#include <type_traits>

#define XXH_INLINE_ALL
#include <xxhash.h>

static_assert(std::endian::native == std::endian::little, "canonical bytes are little-endian");

namespace troupe {

namespace {

std::uint64_t hash_null() { return XXH3_64bits_withSeed(nullptr, 0, 1); }

std::uint64_t hash_word(std::uint64_t word) { return XXH3_64bits(&word, sizeof word); }

template <class Value>
std::uint64_t hash_value(Value value) {
  if constexpr (std::is_floating_point_v<Value>) {
    double canonical = value;
    if (std::isnan(canonical)) canonical = std::numeric_limits<double>::quiet_NaN();
    if (canonical == 0) canonical = 0;
    return hash_word(std::bit_cast<std::uint64_t>(canonical));
  } else if constexpr (std::is_signed_v<Value>) {
    return hash_word(static_cast<std::uint64_t>(std::int64_t{value}));
  } else {
    return hash_word(std::uint64_t{value});
  }
}

/// Calls `hash(i)` for every row that is not null, and writes its hash or that of null to every
/// `stride`-th word of `out`.
template <class Hash>
void write(const arrow::Array& column, std::size_t stride, std::uint64_t* out, Hash hash) {
  const std::int64_t rows = column.length();
  if (column.null_count() == 0) {
    for (std::int64_t i = 0; i < rows; ++i) out[i * stride] = hash(i);
    return;
  }
  for (std::int64_t i = 0; i < rows; ++i) {
    out[i * stride] = column.IsNull(i) ? hash_null() : hash(i);
  }
}

template <class Value>
void write_numbers(const arrow::Array& column, std::size_t stride, std::uint64_t* out) {
  const auto* values = column.data()->GetValues<Value>(1);
  write(column, stride, out, [&](std::int64_t i) { return hash_value(values[i]); });
}

template <class ArrayType>
void write_bytes(const arrow::Array& column, std::size_t stride, std::uint64_t* out) {
  const auto& values = static_cast<const ArrayType&>(column);
  write(column, stride, out, [&](std::int64_t i) {
    const std::string_view bytes = values.GetView(i);
    return XXH3_64bits(bytes.data(), bytes.size());
  });
}

Result<> write_hashes(const arrow::Array& column, std::size_t stride, std::uint64_t* out);

template <class Index>
Result<> write_indexed(const arrow::DictionaryArray& column, std::size_t stride,
                       std::uint64_t* out) {
  std::vector<std::uint64_t> entries(column.dictionary()->length());
  TRY(write_hashes(*column.dictionary(), 1, entries.data()));
  const auto& indices = static_cast<const Index&>(*column.indices());
  const auto* raw = indices.raw_values();
  write(indices, stride, out, [&](std::int64_t i) { return entries[raw[i]]; });
  return {};
}

Result<> write_dictionary(const arrow::DictionaryArray& column, std::size_t stride,
                          std::uint64_t* out) {
  switch (column.indices()->type_id()) {
    case arrow::Type::INT8:
      return write_indexed<arrow::Int8Array>(column, stride, out);
    case arrow::Type::INT16:
      return write_indexed<arrow::Int16Array>(column, stride, out);
    case arrow::Type::INT32:
      return write_indexed<arrow::Int32Array>(column, stride, out);
    case arrow::Type::INT64:
      return write_indexed<arrow::Int64Array>(column, stride, out);
    default:
      return make_error(ErrorCode::unsupported,
                        "a dictionary with indices of type {} cannot be a key",
                        column.indices()->type()->ToString());
  }
}

Result<> write_hashes(const arrow::Array& column, std::size_t stride, std::uint64_t* out) {
  const bool written = visit_stored_number(
      column.type_id(), [&]<class Value>(Value) { write_numbers<Value>(column, stride, out); });
  if (written) return {};
  switch (column.type_id()) {
    case arrow::Type::NA:
      for (std::int64_t i = 0; i < column.length(); ++i) out[i * stride] = hash_null();
      return {};
    case arrow::Type::BOOL: {
      const auto& flags = static_cast<const arrow::BooleanArray&>(column);
      write(column, stride, out, [&](std::int64_t i) { return hash_value(int{flags.Value(i)}); });
      return {};
    }
    case arrow::Type::DICTIONARY:
      return write_dictionary(static_cast<const arrow::DictionaryArray&>(column), stride, out);
    case arrow::Type::STRING:
    case arrow::Type::BINARY:
      return write_bytes<arrow::BinaryArray>(column, stride, out), Result<>();
    case arrow::Type::LARGE_STRING:
    case arrow::Type::LARGE_BINARY:
      return write_bytes<arrow::LargeBinaryArray>(column, stride, out), Result<>();
    case arrow::Type::DECIMAL128:
    case arrow::Type::FIXED_SIZE_BINARY:
      return write_bytes<arrow::FixedSizeBinaryArray>(column, stride, out), Result<>();
    default:
      return make_error(ErrorCode::unsupported, "values of type {} cannot be a key",
                        column.type()->ToString());
  }
}

using Arrays = std::vector<std::shared_ptr<arrow::Array>>;

Result<> write_values(const Arrays& columns, std::int64_t rows, std::vector<std::uint64_t>& out) {
  out.resize(static_cast<std::size_t>(rows) * columns.size());
  for (std::size_t c = 0; c < columns.size(); ++c) {
    TRY(write_hashes(*columns[c], columns.size(), out.data() + c));
  }
  return {};
}

Arrays columns_of(const Batch& batch, const std::vector<int>& columns) {
  Arrays arrays;
  for (const int column : columns) arrays.push_back(batch.columns()->column(column));
  return arrays;
}

/// The same failure, with the name of the column that has no hash.
Error naming_column(Error error, const Batch& batch, const std::vector<int>& columns) {
  std::vector<std::uint64_t> hashes;
  for (const int column : columns) {
    if (hash_keys(columns_of(batch, {column}), batch.rows(), hashes)) continue;
    return error.within(batch.columns()->schema()->field(column)->name());
  }
  return error;
}

}  // namespace

void hash_rows(const std::vector<std::uint64_t>& values, std::size_t columns,
               std::vector<std::uint64_t>& out) {
  if (columns == 1) {
    out = values;
    return;
  }
  out.resize(values.size() / columns);
  if (columns == 2) {
    // A length the compiler knows takes the short branch of xxh3 without asking.
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = XXH3_64bits(&values[i * 2], 16);
    return;
  }
  for (std::size_t i = 0; i < out.size(); ++i) {
    out[i] = XXH3_64bits(&values[i * columns], columns * sizeof(std::uint64_t));
  }
}

Result<> hash_keys(const Arrays& columns, std::int64_t rows, std::vector<std::uint64_t>& out) {
  const std::size_t count = columns.size();
  if (count == 1) {
    out.resize(static_cast<std::size_t>(rows));
    return write_hashes(*columns.front(), 1, out.data());
  }
  out.assign(static_cast<std::size_t>(rows), XXH3_64bits(nullptr, 0));
  if (rows == 0 || count == 0) return {};
  std::vector<std::uint64_t> values;
  TRY(write_values(columns, rows, values));
  hash_rows(values, count, out);
  return {};
}

Result<> hash_keys(const Batch& batch, const std::vector<int>& columns,
                   std::vector<std::uint64_t>& out) {
  const Result<> hashed = hash_keys(columns_of(batch, columns), batch.rows(), out);
  return hashed ? hashed : naming_column(hashed.error(), batch, columns);
}

Result<> hash_values(const Batch& batch, const std::vector<int>& columns,
                     std::vector<std::uint64_t>& out) {
  const Result<> hashed = write_values(columns_of(batch, columns), batch.rows(), out);
  return hashed ? hashed : naming_column(hashed.error(), batch, columns);
}

}  // namespace troupe
