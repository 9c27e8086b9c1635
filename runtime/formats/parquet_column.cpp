#include "runtime/formats/parquet_column.hpp"

#include "runtime/formats/parquet_leaf_check.hpp"
#include "runtime/formats/parquet_pages.hpp"
#include "runtime/formats/pending_column.hpp"

#include <arrow/array.h>
#include <arrow/buffer.h>
#include <arrow/builder.h>
#include <arrow/type.h>

#include <cstring>

namespace troupe {
namespace {

using ArrayPtr = std::shared_ptr<arrow::Array>;
using TypePtr = std::shared_ptr<arrow::DataType>;
using BufferPtr = std::shared_ptr<arrow::Buffer>;
using Valid = std::vector<std::uint8_t>;

template <class T>
T must(arrow::Result<T> result) {
  PARQUET_THROW_NOT_OK(result.status());
  return *std::move(result);
}
void must(const arrow::Status& status) { PARQUET_THROW_NOT_OK(status); }

BufferPtr bitmap_of(const Valid& valid) {
  if (valid.empty()) return nullptr;
  auto bits = must(arrow::AllocateEmptyBitmap(static_cast<std::int64_t>(valid.size())));
  std::uint8_t* bytes = bits->mutable_data();
  for (std::size_t i = 0; i < valid.size(); ++i) {
    bytes[i / 8] |= static_cast<std::uint8_t>(valid[i] << (i % 8));
  }
  return bits;
}

/// Moves `count` values that stand at the begin to where `valid` has its ones.
template <class T>
void spread(T* values, const std::uint8_t* valid, std::int64_t rows, std::int64_t count) {
  for (std::int64_t row = rows; row-- > 0 && count <= row;) {
    values[row] = valid[row] ? values[--count] : T{};
  }
}

/// Worth the vector instructions that -O2 leaves out: it runs over every index there is.
[[gnu::optimize("O3")]] std::uint32_t largest(const std::int32_t* values, std::int64_t count) {
  std::uint32_t found = 0;
  for (std::int64_t i = 0; i < count; ++i) {
    found = std::max(found, static_cast<std::uint32_t>(values[i]));
  }
  return found;
}

/// Narrows the 32 bits of small integers, which is all that Parquet has, to their type. A value
/// that has more of them is refused, with its row.
template <class Narrow>
BufferPtr narrowed(const std::int32_t* values, std::int64_t rows, std::int64_t first_row,
                   const arrow::DataType& type) {
  auto buffer = must(arrow::AllocateBuffer(rows * static_cast<std::int64_t>(sizeof(Narrow))));
  auto* out = reinterpret_cast<Narrow*>(buffer->mutable_data());
  bool changed = false;
  for (std::int64_t i = 0; i < rows; ++i) {
    out[i] = static_cast<Narrow>(values[i]);
    changed |= out[i] != values[i];
  }
  for (std::int64_t i = 0; changed && i < rows; ++i) {
    if (out[i] != values[i]) throw_too_wide(first_row + i, values[i], type.ToString().c_str());
  }
  return BufferPtr(std::move(buffer));
}

/// Decimals of few digits, which Parquet keeps in 32 or 64 bits, in the 128 of theirs. Whether they
/// have no more digits than they should is looked at where all values are.
template <class Narrow>
[[gnu::optimize("O3")]] BufferPtr widened(const Narrow* values, std::int64_t rows) {
  struct Wide {
    std::int64_t low, high;
  };
  auto buffer = must(arrow::AllocateBuffer(rows * static_cast<std::int64_t>(sizeof(Wide))));
  auto* out = reinterpret_cast<Wide*>(buffer->mutable_data());
  for (std::int64_t i = 0; i < rows; ++i) out[i] = {values[i], values[i] < 0 ? -1 : 0};
  return BufferPtr(std::move(buffer));
}

template <class Type>
class NumberColumn final : public ParquetColumn {
 public:
  using Value = typename Type::c_type;

  NumberColumn(const parquet::ColumnDescriptor& column, TypePtr type,
               std::unique_ptr<parquet::PageReader> pages, arrow::MemoryPool* memory)
      : type_(std::move(type)), pages_(column, std::move(pages), memory) {}

  ArrayPtr read(std::int64_t rows) override {
    BufferPtr buffer = must(arrow::AllocateBuffer(rows * static_cast<std::int64_t>(sizeof(Value))));
    auto* values = reinterpret_cast<Value*>(buffer->mutable_data());
    Valid valid;
    for (std::int64_t done = 0; done < rows;) {
      const std::int64_t part = std::min(rows - done, pages_.rows_left());
      const std::int64_t count = pages_.take(part, valid, static_cast<std::size_t>(done));
      const int found = pages_.decoder().Decode(values + done, static_cast<int>(count));
      if (found != count) throw parquet::ParquetException("a page holds fewer values than it says");
      if (count < part) spread(values + done, valid.data() + done, part, count);
      done += part;
    }
    auto array = arrow::MakeArray(
        arrow::ArrayData::Make(type_, rows, {bitmap_of(valid), fitted(buffer, rows)}));
    rows_before_ += rows;
    return array;
  }

  bool ended() const override { return pages_.page_ended(); }

 private:
  /// The values in as many bits as their type has.
  BufferPtr fitted(const BufferPtr& buffer, std::int64_t rows) const {
    if constexpr (std::is_integral_v<Value>) {
      if (type_->id() == arrow::Type::DECIMAL128) {
        return widened(reinterpret_cast<const Value*>(buffer->data()), rows);
      }
    }
    if constexpr (std::is_same_v<Value, std::int32_t>) {
      const auto* values = reinterpret_cast<const std::int32_t*>(buffer->data());
      switch (type_->id()) {
        case arrow::Type::INT8:
          return narrowed<std::int8_t>(values, rows, rows_before_, *type_);
        case arrow::Type::UINT8:
          return narrowed<std::uint8_t>(values, rows, rows_before_, *type_);
        case arrow::Type::INT16:
          return narrowed<std::int16_t>(values, rows, rows_before_, *type_);
        case arrow::Type::UINT16:
          return narrowed<std::uint16_t>(values, rows, rows_before_, *type_);
        default:
          break;
      }
    }
    return buffer;
  }

  std::int64_t rows_before_ = 0;  ///< those that have been read
  const TypePtr type_;
  ParquetPages<Type> pages_;
};

/// Strings, as indices while the pages have indices. Where a writer has given up its dictionary
/// halfway, one piece ends with the last page of indices, and the next begins with the plain pages.
class StringColumn final : public ParquetColumn {
 public:
  StringColumn(const parquet::ColumnDescriptor& column, std::unique_ptr<parquet::PageReader> pages,
               arrow::MemoryPool* memory)
      : pages_(column, std::move(pages), memory) {}

  ArrayPtr read(std::int64_t rows) override {
    if (row_ == rows_) pages_.rows_left();
    return pages_.by_index() ? indices(rows) : plain(rows);
  }

  bool ended() const override { return row_ == rows_ && pages_.page_ended(); }

 private:
  /// Up to `rows` rows from pages of indices.
  ArrayPtr indices(std::int64_t rows) {
    const ArrayPtr& dictionary = strings();
    auto buffer = must(arrow::AllocateResizableBuffer(rows * std::int64_t{sizeof(std::int32_t)}));
    auto* values = reinterpret_cast<std::int32_t*>(buffer->mutable_data());
    Valid valid;
    std::int64_t done = 0;
    while (done < rows) {
      const std::int64_t part = std::min(rows - done, pages_.rows_left());
      if (!pages_.by_index()) break;
      const std::int64_t count = pages_.take(part, valid, static_cast<std::size_t>(done));
      const int found = pages_.dictionary().DecodeIndices(static_cast<int>(count), values + done);
      if (found != count) throw parquet::ParquetException("a page holds fewer values than it says");
      check_indices(values + done, count, dictionary->length());
      if (count < part) spread(values + done, valid.data() + done, part, count);
      done += part;
    }
    must(buffer->Resize(done * std::int64_t{sizeof(std::int32_t)}, false));
    static const TypePtr type = arrow::dictionary(arrow::int32(), arrow::utf8());
    auto data = arrow::ArrayData::Make(type, done, {bitmap_of(valid), std::move(buffer)});
    data->dictionary = dictionary->data();
    return arrow::MakeArray(data);
  }

  /// The library takes indices on trust here; operators must not have to.
  static void check_indices(const std::int32_t* values, std::int64_t count, std::int64_t length) {
    if (count > 0 && largest(values, count) >= static_cast<std::uint64_t>(length)) {
      throw parquet::ParquetException("an index beyond the dictionary");
    }
  }

  /// Up to `rows` rows of plain pages, as long as they are few bytes.
  ArrayPtr plain(std::int64_t rows) {
    arrow::StringBuilder builder;
    must(builder.Reserve(rows));
    while (builder.length() < rows) {
      if (row_ == rows_) {
        const std::int64_t left = pages_.rows_left();
        if (pages_.by_index()) break;
        decode(std::min(rows - builder.length(), left));
      }
      if (!append(builder, rows)) break;
    }
    return must(builder.Finish());
  }

  /// The next rows of the page, as they lie in it.
  void decode(std::int64_t rows) {
    valid_.clear();
    const std::int64_t count = pages_.take(rows, valid_, 0);
    values_.resize(static_cast<std::size_t>(count));
    if (pages_.decoder().Decode(values_.data(), static_cast<int>(count)) != count) {
      throw parquet::ParquetException("a page holds fewer values than it says");
    }
    row_ = value_ = 0;
    rows_ = static_cast<std::size_t>(rows);
  }

  /// False where the next one would make it too many bytes.
  bool append(arrow::StringBuilder& builder, std::int64_t rows) {
    for (; row_ < rows_ && builder.length() < rows; ++row_) {
      if (!valid_.empty() && !valid_[row_]) {
        must(builder.AppendNull());
        continue;
      }
      const parquet::ByteArray& value = values_[value_];
      if (builder.length() > 0 && builder.value_data_length() + value.len > column_bytes_max) {
        return false;
      }
      must(builder.Append(value.ptr, static_cast<std::int32_t>(value.len)));
      ++value_;
    }
    return true;
  }

  const ArrayPtr& strings() {
    const parquet::ByteArray* values = nullptr;
    std::int32_t length = 0;
    pages_.dictionary().GetDictionary(&values, &length);
    if (values != dictionary_values_ || dictionary_ == nullptr) {
      arrow::StringBuilder builder;
      must(builder.Reserve(length));
      for (const parquet::ByteArray* value = values; value != values + length; ++value) {
        must(builder.Append(value->ptr, static_cast<std::int32_t>(value->len)));
      }
      dictionary_values_ = values;
      dictionary_ = must(builder.Finish());
    }
    return dictionary_;
  }

  ParquetPages<parquet::ByteArrayType> pages_;
  const parquet::ByteArray* dictionary_values_ = nullptr;
  ArrayPtr dictionary_;
  /// Rows of a plain page that are decoded: those from `row_` on have not been given.
  std::vector<parquet::ByteArray> values_;
  Valid valid_;
  std::size_t rows_ = 0;
  std::size_t row_ = 0;
  std::size_t value_ = 0;
};

/// Times count in the unit of the file only where nobody has asked for another one.
bool same_unit(const parquet::ColumnDescriptor& column, arrow::TimeUnit::type wanted) {
  const auto logical = column.logical_type();
  parquet::LogicalType::TimeUnit::unit unit = parquet::LogicalType::TimeUnit::UNKNOWN;
  if (logical && logical->is_timestamp()) {
    unit = static_cast<const parquet::TimestampLogicalType&>(*logical).time_unit();
  } else if (logical && logical->is_time()) {
    unit = static_cast<const parquet::TimeLogicalType&>(*logical).time_unit();
  }
  switch (unit) {
    case parquet::LogicalType::TimeUnit::MILLIS:
      return wanted == arrow::TimeUnit::MILLI;
    case parquet::LogicalType::TimeUnit::MICROS:
      return wanted == arrow::TimeUnit::MICRO;
    case parquet::LogicalType::TimeUnit::NANOS:
      return wanted == arrow::TimeUnit::NANO;
    default:
      return false;
  }
}

/// Decimals are the file's numbers only where nobody has asked for another scale.
bool same_decimal(const parquet::ColumnDescriptor& column, const arrow::DataType& wanted) {
  const auto logical = column.logical_type();
  if (!logical || !logical->is_decimal()) return false;
  const auto& there = static_cast<const parquet::DecimalLogicalType&>(*logical);
  const auto& type = static_cast<const arrow::Decimal128Type&>(wanted);
  return there.scale() == type.scale() && there.precision() == type.precision();
}

bool is_flat_int32(const parquet::ColumnDescriptor& column, const arrow::DataType& type) {
  switch (type.id()) {
    case arrow::Type::INT8:
    case arrow::Type::INT16:
    case arrow::Type::INT32:
    case arrow::Type::UINT8:
    case arrow::Type::UINT16:
    case arrow::Type::UINT32:
    case arrow::Type::DATE32:
      return true;
    case arrow::Type::DECIMAL128:
      return same_decimal(column, type);
    case arrow::Type::TIME32:
      return same_unit(column, static_cast<const arrow::TimeType&>(type).unit());
    default:
      return false;
  }
}

bool is_flat_int64(const parquet::ColumnDescriptor& column, const arrow::DataType& type) {
  switch (type.id()) {
    case arrow::Type::INT64:
    case arrow::Type::UINT64:
      return true;
    case arrow::Type::DECIMAL128:
      return same_decimal(column, type);
    case arrow::Type::TIME64:
      return same_unit(column, static_cast<const arrow::TimeType&>(type).unit());
    case arrow::Type::TIMESTAMP:
      return same_unit(column, static_cast<const arrow::TimestampType&>(type).unit());
    default:
      return false;
  }
}

}  // namespace

bool is_flat_column(const parquet::ColumnDescriptor& column, const arrow::DataType& type) {
  if (column.max_repetition_level() > 0 || column.max_definition_level() > 1) return false;
  if (column.path()->ToDotVector().size() != 1) return false;
  switch (column.physical_type()) {
    case parquet::Type::INT32:
      return is_flat_int32(column, type);
    case parquet::Type::INT64:
      return is_flat_int64(column, type);
    case parquet::Type::FLOAT:
      return type.id() == arrow::Type::FLOAT;
    case parquet::Type::DOUBLE:
      return type.id() == arrow::Type::DOUBLE;
    case parquet::Type::BYTE_ARRAY:
      return type.id() == arrow::Type::STRING;
    default:
      return false;
  }
}

std::unique_ptr<ParquetColumn> open_flat_column(const parquet::ColumnDescriptor& column,
                                                const TypePtr& type,
                                                std::unique_ptr<parquet::PageReader> pages,
                                                arrow::MemoryPool* memory) {
  if (!is_flat_column(column, *type)) return nullptr;
  switch (column.physical_type()) {
    case parquet::Type::INT32:
      return std::make_unique<NumberColumn<parquet::Int32Type>>(column, type, std::move(pages),
                                                                memory);
    case parquet::Type::INT64:
      return std::make_unique<NumberColumn<parquet::Int64Type>>(column, type, std::move(pages),
                                                                memory);
    case parquet::Type::FLOAT:
      return std::make_unique<NumberColumn<parquet::FloatType>>(column, type, std::move(pages),
                                                                memory);
    case parquet::Type::DOUBLE:
      return std::make_unique<NumberColumn<parquet::DoubleType>>(column, type, std::move(pages),
                                                                 memory);
    default:
      return std::make_unique<StringColumn>(column, std::move(pages), memory);
  }
}

}  // namespace troupe
