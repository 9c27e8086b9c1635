#include "runtime/connectors/partitions.hpp"

#include "runtime/data/arrow_result.hpp"
#include "runtime/formats/column_types.hpp"
#include "runtime/os/file_pattern.hpp"

#include <arrow/scalar.h>
#include <arrow/type.h>
#include <arrow/util/value_parsing.h>

#include <algorithm>
#include <cctype>
#include <charconv>

namespace troupe {
namespace {

using TypePtr = std::shared_ptr<arrow::DataType>;

constexpr std::string_view null_name = "__HIVE_DEFAULT_PARTITION__";

int hex_digit(char letter) {
  const auto at = std::string_view("0123456789abcdef")
                      .find(static_cast<char>(std::tolower(static_cast<unsigned char>(letter))));
  return at == std::string_view::npos ? -1 : static_cast<int>(at);
}

std::string decoded(std::string_view name) {
  std::string text;
  for (std::size_t i = 0; i < name.size(); ++i) {
    const bool two_more = name[i] == '%' && i + 2 < name.size();
    const int high = two_more ? hex_digit(name[i + 1]) : -1;
    const int low = two_more ? hex_digit(name[i + 2]) : -1;
    if (high < 0 || low < 0) {
      text += name[i];
    } else {
      text += static_cast<char>(high * 16 + low);
      i += 2;
    }
  }
  return text;
}

std::string encoded(std::string_view text) {
  constexpr std::string_view special = "\"#%'*/:=?\\{}[]^<>|";
  std::string name;
  for (const char letter : text) {
    const auto byte = static_cast<unsigned char>(letter);
    const bool first = name.empty() && (letter == '.' || letter == '_');
    const bool plain = byte >= 0x20 && byte != 0x7F && special.find(letter) == special.npos;
    name += plain && !first ? std::string(1, letter) : fmt::format("%{:02X}", byte);
  }
  return name;
}

/// An integer that is written as it would be printed.
bool is_plain_integer(const std::string& text) {
  std::int64_t value = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), value);
  return read.ec == std::errc() && read.ptr == text.data() + text.size() &&
         std::to_string(value) == text;
}

bool is_date(const std::string& text) {
  arrow::Date32Type::c_type days = 0;
  return text.size() == 10 &&
         arrow::internal::ParseValue<arrow::Date32Type>(text.data(), text.size(), &days);
}

TypePtr type_of(const std::vector<std::string>& texts) {
  if (texts.empty()) return arrow::utf8();
  if (std::all_of(texts.begin(), texts.end(), is_plain_integer)) return arrow::int64();
  if (std::all_of(texts.begin(), texts.end(), is_date)) return arrow::date32();
  return arrow::utf8();
}

Error lacks(const std::string& path, const std::string& key, const std::string& other) {
  Error error = make_error(ErrorCode::invalid_argument,
                           "'{}' has a directory '{}=...' and '{}' has none", other, key, path);
  error.hint = "narrow 'path', or say 'schema: union' for nulls or 'partitions: none'";
  return error;
}

}  // namespace

std::vector<PartitionValue> partition_values(const std::string& path) {
  std::vector<PartitionValue> values;
  for (std::size_t begin = 0, slash = path.find('/'); slash != std::string::npos;
       begin = slash + 1, slash = path.find('/', begin)) {
    const std::string name = path.substr(begin, slash - begin);
    if (!is_partition_directory(name)) continue;
    const std::size_t equals = name.find('=');
    const std::string text = name.substr(equals + 1);
    PartitionValue value{decoded(name.substr(0, equals)), std::nullopt};
    if (text != null_name) value.text = decoded(text);
    std::erase_if(values, [&](const auto& outer) { return outer.key == value.key; });
    values.push_back(std::move(value));
  }
  return values;
}

Result<SchemaPtr> partition_columns(const std::vector<std::string>& paths,
                                    const ColumnTypes& declared, bool unite) {
  struct Column {
    std::string key;
    std::vector<std::string> texts;
    std::size_t files = 0;
    std::string first_file;
  };
  std::vector<Column> columns;
  for (const std::string& path : paths) {
    for (const PartitionValue& value : partition_values(path)) {
      auto column = std::find_if(columns.begin(), columns.end(),
                                 [&](const Column& known) { return known.key == value.key; });
      if (column == columns.end()) {
        columns.push_back({value.key, {}, 0, path});
        column = columns.end() - 1;
      }
      ++column->files;
      const bool again = !column->texts.empty() && column->texts.back() == value.text;
      if (value.text && !again) column->texts.push_back(*value.text);
    }
  }
  arrow::FieldVector fields;
  for (const Column& column : columns) {
    if (column.files < paths.size() && !unite) {
      for (const std::string& path : paths) {
        const auto values = partition_values(path);
        const bool has = std::any_of(values.begin(), values.end(),
                                     [&](const auto& value) { return value.key == column.key; });
        if (!has) return lacks(path, column.key, column.first_file);
      }
    }
    const auto known = declared.find(column.key);
    fields.push_back(
        arrow::field(column.key, known != declared.end() ? known->second : type_of(column.texts)));
  }
  return arrow::schema(std::move(fields));
}

Result<std::shared_ptr<arrow::Scalar>> partition_value(const std::string& path,
                                                       const arrow::Field& column) {
  for (const PartitionValue& value : partition_values(path)) {
    if (value.key != column.name() || !value.text) continue;
    const auto scalar = arrow::Scalar::Parse(column.type(), *value.text);
    if (scalar.ok()) return *scalar;
    Error error = make_error(ErrorCode::invalid_argument, "'{}': '{}' in '{}={}' is no {}", path,
                             *value.text, value.key, *value.text, type_name(*column.type()));
    error.hint =
        fmt::format("declare it, such as partition_types: {{\"{}\": text}}", column.name());
    return error;
  }
  return std::shared_ptr<arrow::Scalar>(arrow::MakeNullScalar(column.type()));
}

std::string partition_directory(const std::string& key, const arrow::Scalar& value) {
  return encoded(key) + "=" + (value.is_valid ? encoded(value.ToString()) : std::string(null_name));
}

Result<> check_partition_type(const std::string& column, const arrow::DataType& type) {
  const bool fits = arrow::is_integer(type.id()) || type.id() == arrow::Type::STRING ||
                    type.id() == arrow::Type::DATE32;
  if (fits) return {};
  Error error =
      make_error(ErrorCode::unsupported, "column '{}' is {}: files cannot be divided by it", column,
                 type_name(type));
  error.hint = "divide by texts, integers and dates: cast it";
  return error;
}

}  // namespace troupe
