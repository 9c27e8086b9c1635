#include "runtime/ops/join/join_keys.hpp"

#include "runtime/data/batch.hpp"
#include "runtime/data/stored_number.hpp"

#include <arrow/array.h>
#include <arrow/type.h>
#include <arrow/type_traits.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

namespace troupe {
namespace {

/// Larger than any range of numbers given to strings, so that it fails the range check.
constexpr std::uint64_t unknown = std::numeric_limits<std::uint64_t>::max();
constexpr std::uint64_t sign = std::uint64_t{1} << 63;

/// The value as an unsigned number in the same order.
template <class Value>
std::uint64_t number_of(Value value) {
  if constexpr (std::is_floating_point_v<Value>) {
    const double number = std::isnan(value) ? std::numeric_limits<double>::quiet_NaN()
                                            : static_cast<double>(value) + 0.0;  // -0 is 0
    return std::bit_cast<std::uint64_t>(number);
  } else if constexpr (std::is_signed_v<Value>) {
    return static_cast<std::uint64_t>(std::int64_t{value}) ^ sign;
  } else {
    return value;
  }
}

/// False where the type is not stored as one plain number.
bool plain_numbers(const arrow::Array& array, std::uint64_t* out) {
  if (array.type_id() == arrow::Type::BOOL) {
    const auto& flags = static_cast<const arrow::BooleanArray&>(array);
    for (std::int64_t i = 0; i < array.length(); ++i) out[i] = flags.Value(i) ? 1 : 0;
    return true;
  }
  return visit_stored_number(array.type_id(), [&]<class Value>(Value) {
    const auto* values = array.data()->GetValues<Value>(1);
    for (std::int64_t i = 0; i < array.length(); ++i) out[i] = number_of(values[i]);
  });
}

/// Calls `each(row, bytes)` for all values that are not null. False: the type has no bytes.
template <class Each>
bool each_text(const arrow::Array& array, Each each) {
  const auto visit = [&]<class ArrayType>(const ArrayType& texts) {
    for (std::int64_t i = 0; i < texts.length(); ++i) {
      if (!texts.IsNull(i)) each(i, std::string_view(texts.GetView(i)));
    }
    return true;
  };
  switch (array.type_id()) {
    case arrow::Type::STRING:
    case arrow::Type::BINARY:
      return visit(static_cast<const arrow::BinaryArray&>(array));
    case arrow::Type::LARGE_STRING:
    case arrow::Type::LARGE_BINARY:
      return visit(static_cast<const arrow::LargeBinaryArray&>(array));
    case arrow::Type::DECIMAL128:
    case arrow::Type::FIXED_SIZE_BINARY:
      return visit(static_cast<const arrow::FixedSizeBinaryArray&>(array));
    default:
      return false;
  }
}

Error not_comparable(const arrow::DataType& type) {
  return make_error(ErrorCode::unsupported, "values of type {} cannot be joined on",
                    type.ToString());
}

std::uint64_t entry_of(const arrow::DictionaryArray& array, std::int64_t row,
                       const std::vector<std::uint64_t>& entries) {
  return array.IsNull(row) ? unknown : entries[static_cast<std::size_t>(array.GetValueIndex(row))];
}

}  // namespace

/// The raw number of every row; `unknown` where a string is not one of the build side's. Rows that
/// are null get anything.
Result<> JoinKeys::number(Column& column, const arrow::Array& array, bool learning,
                          std::vector<std::uint64_t>& out) {
  out.resize(static_cast<std::size_t>(array.length()));
  if (array.type_id() == arrow::Type::DICTIONARY) {
    const auto& encoded = static_cast<const arrow::DictionaryArray&>(array);
    const auto& dictionary = array.data()->dictionary;
    if (column.dictionary != dictionary) {
      TRY(number(column, *encoded.dictionary(), learning, column.entries));
      for (std::int64_t i = 0; i < encoded.dictionary()->length(); ++i) {
        if (encoded.dictionary()->IsNull(i)) column.entries[static_cast<std::size_t>(i)] = unknown;
      }
      column.dictionary = dictionary;
    }
    if (encoded.indices()->type_id() == arrow::Type::INT32 && array.null_count() == 0) {
      const auto* indices = encoded.indices()->data()->GetValues<std::int32_t>(1);
      const std::uint64_t* entries = column.entries.data();
      for (std::size_t i = 0; i < out.size(); ++i) out[i] = entries[indices[i]];
      return {};
    }
    for (std::size_t i = 0; i < out.size(); ++i) {
      out[i] = entry_of(encoded, static_cast<std::int64_t>(i), column.entries);
    }
    return {};
  }
  if (plain_numbers(array, out.data())) return {};
  column.text = true;
  std::fill(out.begin(), out.end(), unknown);
  const bool known = each_text(array, [&](std::int64_t row, std::string_view text) {
    const auto found = column.numbers.find(text);
    std::uint64_t number = unknown;
    if (found != column.numbers.end()) {
      number = found->second;
    } else if (learning) {
      number = column.numbers.size();
      column.numbers.emplace(column.strings.emplace_back(text), number);
    }
    out[static_cast<std::size_t>(row)] = number;
  });
  if (!known && array.type_id() != arrow::Type::NA) return not_comparable(*array.type());
  return {};
}

/// Gives every column its bits. A column that does not fit into what is left of a word begins the
/// next one.
void JoinKeys::lay_out() {
  width_ = 1;
  bits_ = 0;
  int used = 0;
  for (Column& column : columns_) {
    const int bits = std::bit_width(column.range);
    if (used + bits > 64) {
      ++width_;
      used = 0;
    }
    column.word = width_ - 1;
    column.shift = std::min(used, 63);  // a column of no bits may come after a full word
    used += bits;
    bits_ += bits;
  }
}

Result<JoinKeys::Packed> JoinKeys::learn(const Columns& columns, std::int64_t rows) {
  columns_ = std::vector<Column>(columns.size());
  const auto count = static_cast<std::size_t>(rows);
  Packed packed;
  packed.absent.assign(count, 0);
  for (const auto& array : columns) {
    if (array->null_count() == 0) continue;
    for (std::size_t i = 0; i < count; ++i) {
      packed.absent[i] |= array->IsNull(static_cast<std::int64_t>(i)) ? 1 : 0;
    }
  }
  std::vector<std::vector<std::uint64_t>> numbers(columns.size());
  for (std::size_t c = 0; c < columns.size(); ++c) {
    TRY(number(columns_[c], *columns[c], true, numbers[c]));
    const bool may_be_unknown =
        columns_[c].text || columns[c]->type_id() == arrow::Type::DICTIONARY;
    std::uint64_t min = unknown;
    std::uint64_t max = 0;
    for (std::size_t i = 0; i < count; ++i) {
      if (may_be_unknown && numbers[c][i] == unknown) packed.absent[i] = 1;
      if (packed.absent[i]) continue;
      min = std::min(min, numbers[c][i]);
      max = std::max(max, numbers[c][i]);
    }
    columns_[c].min = min;
    columns_[c].range = max >= min ? max - min : 0;
  }
  lay_out();
  packed.words.assign(count * width_, 0);
  for (std::size_t c = 0; c < columns.size(); ++c) {
    const Column& column = columns_[c];
    for (std::size_t i = 0; i < count; ++i) {
      if (packed.absent[i]) continue;
      packed.words[i * width_ + column.word] |= (numbers[c][i] - column.min) << column.shift;
    }
  }
  return packed;
}

/// The usual key: one column of plain numbers without nulls, in one pass. False where it is
/// another.
bool JoinKeys::find_one(const Columns& columns, std::int64_t rows, Packed& out) const {
  const arrow::Array& array = *columns.front();
  if (columns.size() != 1 || columns_.front().text || array.null_count() != 0) return false;
  const std::uint64_t min = columns_.front().min, range = columns_.front().range;
  return visit_stored_number(array.type_id(), [&]<class Value>(Value) {
    const auto* values = array.data()->GetValues<Value>(1);
    out.words.resize(static_cast<std::size_t>(rows));
    out.absent.resize(static_cast<std::size_t>(rows));
    std::uint64_t* words = out.words.data();
    std::uint8_t* absent = out.absent.data();
    for (std::int64_t i = 0; i < rows; ++i) {
      const std::uint64_t distance = number_of(values[i]) - min;
      const bool outside = distance > range;
      absent[i] = outside ? 1 : 0;
      words[i] = outside ? 0 : distance;
    }
  });
}

Result<> JoinKeys::find(const Columns& columns, std::int64_t rows, Packed& out) {
  if (find_one(columns, rows, out)) return {};
  const auto count = static_cast<std::size_t>(rows);
  out.absent.assign(count, 0);
  out.words.assign(count * width_, 0);
  for (std::size_t c = 0; c < columns.size(); ++c) {
    Column& column = columns_[c];
    const arrow::Array& array = *columns[c];
    TRY(number(column, array, false, scratch_));
    std::uint64_t* words = out.words.data() + column.word;
    for (std::size_t i = 0; i < count; ++i) {
      const std::uint64_t distance = scratch_[i] - column.min;
      // Masking keeps an absent key's bits out of its neighbours', so it still is a harmless word.
      const bool outside = distance > column.range;
      out.absent[i] |= outside ? 1 : 0;
      words[i * width_] |= (outside ? 0 : distance) << column.shift;
    }
    if (array.null_count() == 0) continue;
    for (std::size_t i = 0; i < count; ++i) {
      out.absent[i] |= array.IsNull(static_cast<std::int64_t>(i)) ? 1 : 0;
    }
  }
  return {};
}

}  // namespace troupe
