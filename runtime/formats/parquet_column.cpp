#include "runtime/formats/parquet_column.hpp"

#include "runtime/formats/parquet_pages.hpp"

#include <arrow/array.h>
#include <arrow/array/concatenate.h>
#include <arrow/buffer.h>
#include <arrow/builder.h>
#include <arrow/compute/api.h>
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

/// Narrows the 32 bits of small integers, which is all that Parquet has, to their type.
template <class Narrow>
BufferPtr narrowed(const std::int32_t* values, std::int64_t rows) {
  auto buffer = must(arrow::AllocateBuffer(rows * static_cast<std::int64_t>(sizeof(Narrow))));
  auto* out = reinterpret_cast<Narrow*>(buffer->mutable_data());
  for (std::int64_t i = 0; i < rows; ++i) out[i] = static_cast<Narrow>(values[i]);
  return BufferPtr(std::move(buffer));
}

template <class Type>
class NumberColumn final : public ParquetColumn {
 public:
  using Value = typename Type::c_type;

  NumberColumn(const parquet::ColumnDescriptor& column, TypePtr type,
               std::unique_ptr<parquet::PageReader> pages)
      : type_(std::move(type)), pages_(column, std::move(pages)) {}

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
    return arrow::MakeArray(
        arrow::ArrayData::Make(type_, rows, {bitmap_of(valid), narrow(buffer, rows)}));
  }

 private:
  BufferPtr narrow(const BufferPtr& buffer, std::int64_t rows) const {
    if constexpr (std::is_same_v<Value, std::int32_t>) {
      const auto* values = reinterpret_cast<const std::int32_t*>(buffer->data());
      switch (type_->id()) {
        case arrow::Type::INT8:
        case arrow::Type::UINT8:
          return narrowed<std::int8_t>(values, rows);
        case arrow::Type::INT16:
        case arrow::Type::UINT16:
          return narrowed<std::int16_t>(values, rows);
        default:
          break;
      }
    }
    return buffer;
  }

  const TypePtr type_;
  ParquetPages<Type> pages_;
};

/// Strings, as indices while the pages have indices. A writer that gives up its dictionary halfway
/// leaves plain pages: a batch that meets both kinds is plain.
class StringColumn final : public ParquetColumn {
 public:
  StringColumn(const parquet::ColumnDescriptor& column, std::unique_ptr<parquet::PageReader> pages)
      : pages_(column, std::move(pages)) {}

  ArrayPtr read(std::int64_t rows) override {
    arrow::ArrayVector pieces;
    for (std::int64_t done = 0; done < rows; done += pieces.back()->length()) {
      pages_.rows_left();
      pieces.push_back(pages_.by_index() ? indices(rows - done) : plain(rows - done));
    }
    if (pieces.size() == 1) return pieces.front();
    for (ArrayPtr& piece : pieces) piece = must(arrow::compute::Cast(*piece, arrow::utf8()));
    return must(arrow::Concatenate(pieces));
  }

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

  /// Up to `rows` rows of the current page, as they are.
  ArrayPtr plain(std::int64_t rows) {
    const std::int64_t part = std::min(rows, pages_.rows_left());
    Valid valid;
    const std::int64_t count = pages_.take(part, valid, 0);
    values_.resize(static_cast<std::size_t>(count));
    if (pages_.decoder().Decode(values_.data(), static_cast<int>(count)) != count) {
      throw parquet::ParquetException("a page holds fewer values than it says");
    }
    return built(values_.data(), part, valid);
  }

  const ArrayPtr& strings() {
    const parquet::ByteArray* values = nullptr;
    std::int32_t length = 0;
    pages_.dictionary().GetDictionary(&values, &length);
    if (values != dictionary_values_ || dictionary_ == nullptr) {
      dictionary_values_ = values;
      dictionary_ = built(values, length, {});
    }
    return dictionary_;
  }

  static ArrayPtr built(const parquet::ByteArray* values, std::int64_t rows, const Valid& valid) {
    arrow::StringBuilder builder;
    must(builder.Reserve(rows));
    for (std::int64_t row = 0; row < rows; ++row) {
      if (valid.empty() || valid[static_cast<std::size_t>(row)]) {
        must(builder.Append(values->ptr, static_cast<std::int32_t>(values->len)));
        ++values;
      } else {
        builder.UnsafeAppendNull();
      }
    }
    return must(builder.Finish());
  }

  ParquetPages<parquet::ByteArrayType> pages_;
  const parquet::ByteArray* dictionary_values_ = nullptr;
  ArrayPtr dictionary_;
  std::vector<parquet::ByteArray> values_;
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
                                                std::unique_ptr<parquet::PageReader> pages) {
  if (!is_flat_column(column, *type)) return nullptr;
  switch (column.physical_type()) {
    case parquet::Type::INT32:
      return std::make_unique<NumberColumn<parquet::Int32Type>>(column, type, std::move(pages));
    case parquet::Type::INT64:
      return std::make_unique<NumberColumn<parquet::Int64Type>>(column, type, std::move(pages));
    case parquet::Type::FLOAT:
      return std::make_unique<NumberColumn<parquet::FloatType>>(column, type, std::move(pages));
    case parquet::Type::DOUBLE:
      return std::make_unique<NumberColumn<parquet::DoubleType>>(column, type, std::move(pages));
    default:
      return std::make_unique<StringColumn>(column, std::move(pages));
  }
}

}  // namespace troupe
