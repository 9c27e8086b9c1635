#include "runtime/data/take.hpp"

#include "runtime/data/arrow_result.hpp"

#include <arrow/array.h>
#include <arrow/array/builder_primitive.h>
#include <arrow/array/concatenate.h>
#include <arrow/buffer.h>
#include <arrow/compute/api.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <arrow/type_traits.h>
#include <arrow/util/bit_util.h>
#include <arrow/util/decimal.h>

#include <algorithm>
#include <cstring>

namespace troupe {
namespace {

using Rows = std::span<const std::uint32_t>;
using ArrayPtr = std::shared_ptr<arrow::Array>;
using BufferPtr = std::shared_ptr<arrow::Buffer>;

/// What all kinds of columns share: where nulls go.
struct Selection {
  Rows rows;
  bool missing = false;  ///< some row is `no_row`
};

Result<BufferPtr> new_buffer(std::int64_t bytes) {
  std::unique_ptr<arrow::Buffer> buffer = TRY(arrow_try(arrow::AllocateBuffer(bytes)));
  return BufferPtr(std::move(buffer));
}

/// The validity bitmap of the result and its nulls; no bitmap where there are none.
Result<std::pair<BufferPtr, std::int64_t>> take_validity(const arrow::Array& array,
                                                         const Selection& selection) {
  if (array.null_count() == 0 && !selection.missing) return std::pair(BufferPtr(), std::int64_t{0});
  const auto count = static_cast<std::int64_t>(selection.rows.size());
  BufferPtr bitmap = TRY(new_buffer(arrow::bit_util::BytesForBits(count)));
  std::uint8_t* bits = bitmap->mutable_data();
  std::memset(bits, 0, static_cast<std::size_t>(bitmap->size()));
  std::int64_t valid = 0;
  for (std::int64_t i = 0; i < count; ++i) {
    const std::uint32_t row = selection.rows[static_cast<std::size_t>(i)];
    if (row == no_row || array.IsNull(row)) continue;
    arrow::bit_util::SetBit(bits, i);
    ++valid;
  }
  if (valid == count) bitmap.reset();
  return std::pair(std::move(bitmap), count - valid);
}

template <class T>
void gather(const T* from, const Selection& selection, T* to) {
  const std::size_t count = selection.rows.size();
  const std::uint32_t* rows = selection.rows.data();
  if (!selection.missing) {
    for (std::size_t i = 0; i < count; ++i) to[i] = from[rows[i]];
    return;
  }
  for (std::size_t i = 0; i < count; ++i) to[i] = rows[i] == no_row ? T{} : from[rows[i]];
}

struct Bytes16 {
  std::uint64_t low, high;
};

Result<BufferPtr> take_fixed(const arrow::ArrayData& data, int width, const Selection& selection) {
  BufferPtr values = TRY(new_buffer(static_cast<std::int64_t>(selection.rows.size()) * width));
  std::uint8_t* to = values->mutable_data();
  const std::uint8_t* from =
      data.buffers[1] ? data.buffers[1]->data() + data.offset * width : nullptr;
  if (from == nullptr) {
    std::memset(to, 0, static_cast<std::size_t>(values->size()));
    return values;
  }
  const auto run = [&]<class T>(T) {
    gather(reinterpret_cast<const T*>(from), selection, reinterpret_cast<T*>(to));
  };
  switch (width) {
    case 1:
      run(std::uint8_t{});
      break;
    case 2:
      run(std::uint16_t{});
      break;
    case 4:
      run(std::uint32_t{});
      break;
    case 8:
      run(std::uint64_t{});
      break;
    default:
      run(Bytes16{});
      break;
  }
  return values;
}

Result<BufferPtr> take_bits(const arrow::ArrayData& data, const Selection& selection) {
  const std::size_t count = selection.rows.size();
  BufferPtr values =
      TRY(new_buffer(arrow::bit_util::BytesForBits(static_cast<std::int64_t>(count))));
  std::uint8_t* to = values->mutable_data();
  std::memset(to, 0, static_cast<std::size_t>(values->size()));
  const std::uint8_t* from = data.buffers[1]->data();
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint32_t row = selection.rows[i];
    if (row != no_row && arrow::bit_util::GetBit(from, data.offset + row)) {
      arrow::bit_util::SetBit(to, static_cast<std::int64_t>(i));
    }
  }
  return values;
}

/// Offsets and characters of a string or binary column with 32-bit offsets.
Result<std::pair<BufferPtr, BufferPtr>> take_strings(const arrow::ArrayData& data,
                                                     const Selection& selection) {
  const std::size_t count = selection.rows.size();
  BufferPtr offsets = TRY(new_buffer(static_cast<std::int64_t>(count + 1) * 4));
  auto* to = reinterpret_cast<std::int32_t*>(offsets->mutable_data());
  const auto* from = data.GetValues<std::int32_t>(1);
  std::int64_t total = 0;
  to[0] = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint32_t row = selection.rows[i];
    if (row != no_row) total += from[row + 1] - from[row];
    to[i + 1] = static_cast<std::int32_t>(total);
  }
  if (total > INT32_MAX) {
    return make_error(ErrorCode::unavailable,
                      "{} rows hold {} bytes of text in one column, more than a batch can (2 GiB)",
                      count, total);
  }
  BufferPtr characters = TRY(new_buffer(total));
  std::uint8_t* text = characters->mutable_data();
  const std::uint8_t* source = data.buffers[2] ? data.buffers[2]->data() : nullptr;
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint32_t row = selection.rows[i];
    if (row == no_row) continue;
    std::memcpy(text + to[i], source + from[row], static_cast<std::size_t>(to[i + 1] - to[i]));
  }
  return std::pair(std::move(offsets), std::move(characters));
}

Result<ArrayPtr> take_by_arrow(const arrow::Array& array, const Selection& selection) {
  arrow::UInt32Builder indices;
  TRY(arrow_try(indices.Reserve(static_cast<std::int64_t>(selection.rows.size()))));
  for (const std::uint32_t row : selection.rows) {
    if (row == no_row) {
      indices.UnsafeAppendNull();
    } else {
      indices.UnsafeAppend(row);
    }
  }
  ArrayPtr chosen = TRY(arrow_try(indices.Finish()));
  return arrow_try(
      arrow::compute::Take(array, *chosen, arrow::compute::TakeOptions::NoBoundsCheck()));
}

int fixed_width(const arrow::DataType& type) {
  if (type.id() == arrow::Type::DICTIONARY) {
    return fixed_width(*static_cast<const arrow::DictionaryType&>(type).index_type());
  }
  if (!arrow::is_fixed_width(type.id()) || type.id() == arrow::Type::BOOL) return 0;
  const int width = type.bit_width() / 8;
  return width == 1 || width == 2 || width == 4 || width == 8 || width == 16 ? width : 0;
}

bool has_dictionary(const ArrayPtr& array) { return array->type_id() == arrow::Type::DICTIONARY; }

std::shared_ptr<arrow::Schema> schema_of(const arrow::Schema& names,
                                         const std::vector<ArrayPtr>& columns) {
  arrow::FieldVector fields;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    fields.push_back(names.field(static_cast<int>(i))->WithType(columns[i]->type()));
  }
  return arrow::schema(std::move(fields));
}

}  // namespace

Result<ArrayPtr> take(const arrow::Array& array, Rows rows) {
  const Selection selection{rows, std::find(rows.begin(), rows.end(), no_row) != rows.end()};
  const arrow::ArrayData& data = *array.data();
  const auto count = static_cast<std::int64_t>(rows.size());
  const arrow::Type::type id = array.type_id();
  const int width = fixed_width(*array.type());
  const bool strings = id == arrow::Type::STRING || id == arrow::Type::BINARY;
  if (width == 0 && !strings && id != arrow::Type::BOOL) return take_by_arrow(array, selection);

  auto [validity, nulls] = TRY(take_validity(array, selection));
  std::vector<BufferPtr> buffers = {validity};
  if (strings) {
    auto [offsets, characters] = TRY(take_strings(data, selection));
    buffers.insert(buffers.end(), {offsets, characters});
  } else if (id == arrow::Type::BOOL) {
    buffers.push_back(TRY(take_bits(data, selection)));
  } else {
    buffers.push_back(TRY(take_fixed(data, width, selection)));
  }
  auto result = arrow::ArrayData::Make(array.type(), count, std::move(buffers), nulls);
  result->dictionary = data.dictionary;
  return arrow::MakeArray(std::move(result));
}

Result<Batch> take(const Batch& batch, Rows rows) {
  std::vector<ArrayPtr> columns;
  for (int i = 0; i < batch.columns()->num_columns(); ++i) {
    columns.push_back(TRY(take(*batch.columns()->column(i), rows)));
  }
  return Batch(arrow::RecordBatch::Make(
      batch.columns()->schema(), static_cast<std::int64_t>(rows.size()), std::move(columns)));
}

Result<ArrayPtr> plain(const ArrayPtr& array) {
  if (!has_dictionary(array)) return array;
  const auto& encoded = static_cast<const arrow::DictionaryArray&>(*array);
  std::vector<std::uint32_t> rows(static_cast<std::size_t>(array->length()), no_row);
  for (std::int64_t i = 0; i < array->length(); ++i) {
    if (!array->IsNull(i)) {
      rows[static_cast<std::size_t>(i)] = static_cast<std::uint32_t>(encoded.GetValueIndex(i));
    }
  }
  return take(*encoded.dictionary(), rows);
}

namespace {

/// Dictionaries that differ have to become one, word by word: not where the words are more than the
/// rows that use them.
bool poor_dictionaries(const std::vector<ArrayPtr>& arrays) {
  std::int64_t rows = 0, words = 0;
  const arrow::ArrayData* last = nullptr;
  for (const ArrayPtr& array : arrays) {
    if (!has_dictionary(array)) return false;
    rows += array->length();
    const arrow::ArrayData* dictionary = array->data()->dictionary.get();
    if (dictionary != last) words += dictionary->length;
    last = dictionary;
  }
  return words > rows && words > arrays.front()->data()->dictionary->length;
}

}  // namespace

Result<ArrayPtr> concat(const std::vector<ArrayPtr>& arrays) {
  ENSURE(!arrays.empty(), "nothing to concatenate has no type");
  if (arrays.size() == 1) return arrays.front();
  const bool mixed = std::any_of(arrays.begin(), arrays.end(), [&](const ArrayPtr& array) {
    return !array->type()->Equals(*arrays.front()->type());
  });
  if (!mixed && !poor_dictionaries(arrays)) return arrow_try(arrow::Concatenate(arrays));
  std::vector<ArrayPtr> decoded;
  for (const ArrayPtr& array : arrays) decoded.push_back(TRY(plain(array)));
  return arrow_try(arrow::Concatenate(decoded));
}

Result<Batch> concat(const std::vector<Batch>& batches) {
  ENSURE(!batches.empty(), "nothing to concatenate has no schema");
  if (batches.size() == 1) return batches.front();
  std::int64_t rows = 0;
  for (const Batch& batch : batches) rows += batch.rows();
  std::vector<ArrayPtr> columns;
  for (int i = 0; i < batches.front().columns()->num_columns(); ++i) {
    std::vector<ArrayPtr> parts;
    for (const Batch& batch : batches) parts.push_back(batch.columns()->column(i));
    columns.push_back(TRY(concat(parts)));
  }
  auto schema = schema_of(*batches.front().columns()->schema(), columns);
  return Batch(arrow::RecordBatch::Make(std::move(schema), rows, std::move(columns)));
}

}  // namespace troupe
