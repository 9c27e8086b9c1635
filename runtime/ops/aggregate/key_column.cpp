#include "runtime/ops/aggregate/key_column.hpp"

#include "runtime/data/arrow_result.hpp"
#include "runtime/data/take.hpp"
#include "runtime/ops/aggregate/bytes_table.hpp"

#include <arrow/array.h>
#include <arrow/buffer.h>
#include <arrow/type.h>
#include <arrow/util/bit_util.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <type_traits>
#include <vector>

namespace troupe {

namespace {

struct Words16 {
  std::uint64_t words[2];
};

template <class Value>
Value canonical(Value value) {
  if constexpr (std::is_floating_point_v<Value>) {
    if (std::isnan(value)) return std::numeric_limits<Value>::quiet_NaN();
    if (value == 0) return 0;
  }
  return value;
}

Result<std::shared_ptr<arrow::Buffer>> zeros(std::int64_t bytes) {
  std::shared_ptr<arrow::Buffer> buffer = TRY(arrow_try(arrow::AllocateBuffer(bytes)));
  std::memset(buffer->mutable_data(), 0, bytes);
  return buffer;
}

/// Values of one width: they stand in the key as they are.
template <class Value>
class FixedKeyColumn : public KeyColumn {
 public:
  explicit FixedKeyColumn(std::shared_ptr<arrow::DataType> type) : type_(std::move(type)) {}

  int slots() const override { return (sizeof(Value) + 3) / 4; }
  bool uses_null_bit() const override { return column_->null_count() > 0; }

  Result<> bind(const std::shared_ptr<arrow::Array>& column) override {
    column_ = TRY(plain(column));
    return {};
  }

  void encode(std::int64_t first, std::int64_t rows, KeySlot* keys, KeySlot* nulls,
              std::uint32_t null_bit, std::size_t stride) override {
    const arrow::ArrayData& data = *column_->data();
    const bool no_nulls = column_->null_count() == 0;
    for (std::int64_t i = 0; i < rows; ++i) {
      if (no_nulls || column_->IsValid(first + i)) {
        const Value value = canonical(value_of(data, first + i));
        std::memcpy(keys + i * stride, &value, sizeof value);
      } else {
        nulls[i * stride] |= null_bit;
      }
    }
  }

  Result<std::shared_ptr<arrow::Array>> decode(const KeySlot* keys, const KeySlot* nulls,
                                               std::uint32_t null_bit, std::size_t stride,
                                               std::span<const std::uint32_t> ids) const override {
    const auto rows = static_cast<std::int64_t>(ids.size());
    const auto validity = TRY(zeros(arrow::bit_util::BytesForBits(rows)));
    const auto values =
        TRY(zeros(std::is_same_v<Value, bool> ? arrow::bit_util::BytesForBits(rows)
                                              : rows * static_cast<std::int64_t>(sizeof(Value))));
    std::int64_t null_count = 0;
    for (std::int64_t i = 0; i < rows; ++i) {
      const std::size_t at = ids[i] * stride;
      if (nulls[at] & null_bit) {
        ++null_count;
        continue;
      }
      arrow::bit_util::SetBit(validity->mutable_data(), i);
      put(values->mutable_data(), i, keys + at);
    }
    return arrow::MakeArray(arrow::ArrayData::Make(
        type_, rows, {null_count > 0 ? validity : nullptr, values}, null_count));
  }

 private:
  static Value value_of(const arrow::ArrayData& data, std::int64_t row) {
    if constexpr (std::is_same_v<Value, bool>) {
      return arrow::bit_util::GetBit(data.buffers[1]->data(), data.offset + row);
    } else {
      return data.GetValues<Value>(1)[row];
    }
  }
  static void put(std::uint8_t* values, std::int64_t row, const KeySlot* key) {
    if constexpr (std::is_same_v<Value, bool>) {
      arrow::bit_util::SetBitTo(values, row, *key != 0);
    } else {
      std::memcpy(values + row * sizeof(Value), key, sizeof(Value));
    }
  }

  std::shared_ptr<arrow::DataType> type_;
  std::shared_ptr<arrow::Array> column_;
};

/// Strings: the key holds their number, which is also how null is told.
template <class ArrayType>
class TextKeyColumn : public KeyColumn {
 public:
  using Offset = typename ArrayType::offset_type;

  explicit TextKeyColumn(std::shared_ptr<arrow::DataType> type) : type_(std::move(type)) {}

  int slots() const override { return 1; }

  Result<> bind(const std::shared_ptr<arrow::Array>& column) override {
    if (column->type_id() != arrow::Type::DICTIONARY) return bind_plain(column);
    const auto& coded = static_cast<const arrow::DictionaryArray&>(*column);
    if (coded.indices()->type_id() != arrow::Type::INT32) return bind_plain(TRY(plain(column)));
    indices_ = std::static_pointer_cast<arrow::Int32Array>(coded.indices());
    same_codes_ = entries_ && same_buffers(*entries_->data(), *column->data()->dictionary);
    if (same_codes_) return {};
    entries_ = coded.dictionary();
    ids_of_codes_.assign(entries_->length() + 1, unknown);
    ids_of_codes_.back() = null_id;
    return {};
  }

  std::uint32_t code_count() const override {
    return indices_ ? static_cast<std::uint32_t>(ids_of_codes_.size()) : 0;
  }
  bool same_codes() const override { return same_codes_; }

  void add_codes(std::int64_t rows, std::uint32_t* cells) override {
    const std::int32_t* codes = indices_->raw_values();
    const std::uint32_t count = code_count();
    if (indices_->null_count() == 0) {
      for (std::int64_t i = 0; i < rows; ++i) cells[i] = cells[i] * count + codes[i];
      return;
    }
    for (std::int64_t i = 0; i < rows; ++i) cells[i] = cells[i] * count + code(i);
  }

  void encode(std::int64_t first, std::int64_t rows, KeySlot* keys, KeySlot*, std::uint32_t,
              std::size_t stride) override {
    for (std::int64_t i = 0; i < rows; ++i) {
      keys[i * stride] = indices_ ? id_of_code(code(first + i)) : id_of(*column_, first + i);
    }
  }

  Result<std::shared_ptr<arrow::Array>> decode(const KeySlot* keys, const KeySlot*, std::uint32_t,
                                               std::size_t stride,
                                               std::span<const std::uint32_t> ids) const override {
    const auto rows = static_cast<std::int64_t>(ids.size());
    std::uint64_t bytes = 0;
    for (std::uint32_t id : ids) bytes += text(keys[id * stride]).size();
    if (bytes > static_cast<std::uint64_t>(std::numeric_limits<Offset>::max())) {
      return make_error(ErrorCode::unsupported, "the keys of one batch have {} bytes", bytes);
    }
    const auto validity = TRY(zeros(arrow::bit_util::BytesForBits(rows)));
    const auto ends = TRY(zeros((rows + 1) * static_cast<std::int64_t>(sizeof(Offset))));
    const auto values = TRY(zeros(static_cast<std::int64_t>(bytes)));
    auto* offsets = reinterpret_cast<Offset*>(ends->mutable_data());
    std::int64_t null_count = 0;
    for (std::int64_t i = 0; i < rows; ++i) {
      const std::uint32_t id = keys[ids[i] * stride];
      const std::string_view value = text(id);
      if (!value.empty())
        std::memcpy(values->mutable_data() + offsets[i], value.data(), value.size());
      offsets[i + 1] = offsets[i] + static_cast<Offset>(value.size());
      arrow::bit_util::SetBitTo(validity->mutable_data(), i, id != null_id);
      null_count += id == null_id;
    }
    return arrow::MakeArray(arrow::ArrayData::Make(
        type_, rows, {null_count > 0 ? validity : nullptr, ends, values}, null_count));
  }

  std::int64_t bytes() const override {
    return texts_.bytes() + static_cast<std::int64_t>(ids_of_codes_.size() * 4);
  }

 private:
  static constexpr std::uint32_t null_id = 0xFFFFFFFFu;
  static constexpr std::uint32_t unknown = 0xFFFFFFFEu;

  Result<> bind_plain(const std::shared_ptr<arrow::Array>& column) {
    column_ = column;
    indices_.reset();
    entries_.reset();
    same_codes_ = false;
    return {};
  }

  std::uint32_t code(std::int64_t row) const {
    return indices_->IsValid(row) ? indices_->Value(row)
                                  : static_cast<std::uint32_t>(ids_of_codes_.size() - 1);
  }
  std::uint32_t id_of_code(std::uint32_t code) {
    std::uint32_t& id = ids_of_codes_[code];
    if (id == unknown) [[unlikely]]
      id = id_of(*entries_, code);
    return id;
  }
  std::uint32_t id_of(const arrow::Array& texts, std::int64_t row) {
    if (texts.IsNull(row)) return null_id;
    return texts_.find_or_add(static_cast<const ArrayType&>(texts).GetView(row));
  }
  std::string_view text(std::uint32_t id) const {
    return id == null_id ? std::string_view() : texts_[id];
  }

  std::shared_ptr<arrow::DataType> type_;
  BytesTable texts_;
  std::shared_ptr<arrow::Array> column_;        ///< of the batch at hand, where it is plain
  std::shared_ptr<arrow::Int32Array> indices_;  ///< ... or where it is dictionary-encoded
  std::shared_ptr<arrow::Array> entries_;       ///< its dictionary
  std::vector<std::uint32_t> ids_of_codes_;     ///< of the dictionary's entries; last, of null
  bool same_codes_ = false;
};

template <class Value>
std::unique_ptr<KeyColumn> fixed(const std::shared_ptr<arrow::DataType>& type) {
  return std::make_unique<FixedKeyColumn<Value>>(type);
}

}  // namespace

bool same_buffers(const arrow::ArrayData& a, const arrow::ArrayData& b) {
  return a.length == b.length && a.offset == b.offset && a.buffers == b.buffers;
}

Result<std::unique_ptr<KeyColumn>> KeyColumn::make(const std::shared_ptr<arrow::DataType>& type) {
  switch (type->id()) {
    case arrow::Type::BOOL:
      return fixed<bool>(type);
    case arrow::Type::INT8:
    case arrow::Type::UINT8:
      return fixed<std::uint8_t>(type);
    case arrow::Type::INT16:
    case arrow::Type::UINT16:
      return fixed<std::uint16_t>(type);
    case arrow::Type::INT32:
    case arrow::Type::UINT32:
    case arrow::Type::DATE32:
    case arrow::Type::TIME32:
      return fixed<std::uint32_t>(type);
    case arrow::Type::INT64:
    case arrow::Type::UINT64:
    case arrow::Type::DATE64:
    case arrow::Type::TIME64:
    case arrow::Type::TIMESTAMP:
    case arrow::Type::DURATION:
      return fixed<std::uint64_t>(type);
    case arrow::Type::FLOAT:
      return fixed<float>(type);
    case arrow::Type::DOUBLE:
      return fixed<double>(type);
    case arrow::Type::DECIMAL128:
      return fixed<Words16>(type);
    case arrow::Type::STRING:
    case arrow::Type::BINARY:
      return std::make_unique<TextKeyColumn<arrow::BinaryArray>>(type);
    case arrow::Type::LARGE_STRING:
    case arrow::Type::LARGE_BINARY:
      return std::make_unique<TextKeyColumn<arrow::LargeBinaryArray>>(type);
    default:
      return make_error(ErrorCode::unsupported, "values of type {} cannot be grouped by",
                        type->ToString());
  }
}

}  // namespace troupe
