#include "runtime/formats/utf8_check.hpp"

#include "runtime/base/ensure.hpp"
#include "runtime/formats/nested_rows.hpp"

#include <arrow/array.h>
#include <arrow/type.h>
#include <arrow/util/utf8.h>

namespace troupe {
namespace {

using FirstRow = std::optional<std::int64_t>;

/// The library's tables must be made before they are used; who has read CSV has made them by
/// chance.
bool valid(std::string_view text) {
  static const bool tables_made = (arrow::util::InitializeUTF8(), true);
  ENSURE(tables_made, "the tables of UTF-8 are not made");
  return arrow::util::ValidateUTF8(reinterpret_cast<const std::uint8_t*>(text.data()),
                                   static_cast<std::int64_t>(text.size()));
}

/// All texts together, and that none begins inside a character. What it finds may be of nobody's:
/// bytes of nulls.
bool all_valid(const arrow::StringArray& texts) {
  const std::int64_t begin = texts.value_offset(0);
  const std::int64_t end = texts.value_offset(texts.length());
  const char* bytes = reinterpret_cast<const char*>(texts.raw_data());
  if (begin == end) return true;
  if (!valid(std::string_view(bytes + begin, static_cast<std::size_t>(end - begin)))) return false;
  const std::int32_t* offsets = texts.raw_value_offsets();
  for (std::int64_t row = 0; row < texts.length(); ++row) {
    const std::int32_t at = offsets[row];
    if (at < end && (static_cast<unsigned char>(bytes[at]) & 0xc0) == 0x80) return false;
  }
  return true;
}

FirstRow first_in_texts(const arrow::StringArray& texts) {
  if (texts.length() == 0 || all_valid(texts)) return std::nullopt;
  for (std::int64_t row = 0; row < texts.length(); ++row) {
    if (texts.IsValid(row) && !valid(texts.GetView(row))) return row;
  }
  return std::nullopt;
}

FirstRow first_in_dictionary(const arrow::DictionaryArray& column) {
  if (!first_not_utf8(*column.dictionary())) return std::nullopt;
  const auto& texts = static_cast<const arrow::StringArray&>(*column.dictionary());
  for (std::int64_t row = 0; row < column.length(); ++row) {
    if (column.IsValid(row) && !valid(texts.GetView(column.GetValueIndex(row)))) return row;
  }
  return std::nullopt;
}

std::int64_t& row_of(std::int64_t& row) { return row; }

}  // namespace

FirstRow first_not_utf8(const arrow::Array& column) {
  switch (column.type_id()) {
    case arrow::Type::STRING:
      return first_in_texts(static_cast<const arrow::StringArray&>(column));
    case arrow::Type::DICTIONARY:
      return first_in_dictionary(static_cast<const arrow::DictionaryArray&>(column));
    case arrow::Type::LIST:
    case arrow::Type::MAP:
      return first_in_lists(static_cast<const arrow::ListArray&>(column), first_not_utf8, row_of);
    case arrow::Type::STRUCT:
      return first_in_structs(static_cast<const arrow::StructArray&>(column), first_not_utf8,
                              row_of);
    default:
      return std::nullopt;
  }
}

Error not_utf8(const std::string& column) {
  Error error = make_error(ErrorCode::invalid_argument, "column '{}' is not in UTF-8", column);
  error.hint = "convert the file to UTF-8, or leave the column out with 'columns'";
  return error;
}

}  // namespace troupe
