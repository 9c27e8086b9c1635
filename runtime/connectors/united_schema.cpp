#include "runtime/connectors/united_schema.hpp"

#include "runtime/formats/column_types.hpp"

#include <arrow/type.h>
#include <arrow/type_traits.h>

#include <algorithm>
#include <map>

namespace troupe {
namespace {

using TypePtr = std::shared_ptr<arrow::DataType>;
using FieldPtr = std::shared_ptr<arrow::Field>;

constexpr int decimal_digits_max = 38;

/// Decimal digits of the largest integer.
int digits_of(const arrow::DataType& type) {
  switch (type.id()) {
    case arrow::Type::INT8:
    case arrow::Type::UINT8:
      return 3;
    case arrow::Type::INT16:
    case arrow::Type::UINT16:
      return 5;
    case arrow::Type::INT32:
    case arrow::Type::UINT32:
      return 10;
    default:
      return arrow::is_signed_integer(type.id()) ? 19 : 20;
  }
}

TypePtr wider_integer(const arrow::DataType& a, const arrow::DataType& b) {
  const auto bits = [](const arrow::DataType& type) {
    const bool sign = arrow::is_signed_integer(type.id());
    return static_cast<const arrow::FixedWidthType&>(type).bit_width() + (sign ? 0 : 1);
  };
  const int wanted = std::max(bits(a), bits(b));
  for (const TypePtr& type : {arrow::int16(), arrow::int32(), arrow::int64()}) {
    if (wanted <= static_cast<const arrow::FixedWidthType&>(*type).bit_width()) return type;
  }
  return arrow::decimal128(20, 0);
}

TypePtr decimal_for(int whole, int scale) {
  return whole + scale <= decimal_digits_max ? arrow::decimal128(whole + scale, scale) : nullptr;
}

/// Digits before and after the point.
std::pair<int, int> shape_of(const arrow::DataType& type) {
  if (arrow::is_integer(type.id())) return {digits_of(type), 0};
  const auto& decimal = static_cast<const arrow::DecimalType&>(type);
  return {decimal.precision() - decimal.scale(), decimal.scale()};
}

bool is_exact(const arrow::DataType& type) {
  return arrow::is_integer(type.id()) || type.id() == arrow::Type::DECIMAL128;
}

/// Doubles hold singles, and integers of 32 bits.
TypePtr with_float(const arrow::DataType& other) {
  if (arrow::is_floating(other.id())) return arrow::float64();
  const bool holds = arrow::is_integer(other.id()) && digits_of(other) <= 10;
  return holds ? arrow::float64() : nullptr;
}

TypePtr wider_time(const TypePtr& a, const TypePtr& b) {
  if (a->id() == arrow::Type::DATE32 || b->id() == arrow::Type::DATE32) {
    const TypePtr& other = a->id() == arrow::Type::DATE32 ? b : a;
    const auto* stamp = dynamic_cast<const arrow::TimestampType*>(other.get());
    return stamp != nullptr && stamp->timezone().empty() ? other : nullptr;
  }
  if (a->id() != b->id() || a->id() != arrow::Type::TIMESTAMP) return nullptr;
  const auto& left = static_cast<const arrow::TimestampType&>(*a);
  const auto& right = static_cast<const arrow::TimestampType&>(*b);
  if (left.timezone().empty() != right.timezone().empty()) return nullptr;
  return arrow::timestamp(std::max(left.unit(), right.unit()), left.timezone());
}

TypePtr wider(const TypePtr& a, const TypePtr& b);

/// Structs have the fields of both.
TypePtr wider_struct(const arrow::DataType& a, const arrow::DataType& b) {
  arrow::FieldVector fields = a.fields();
  for (const FieldPtr& field : b.fields()) {
    const auto known = std::find_if(fields.begin(), fields.end(), [&](const FieldPtr& other) {
      return other->name() == field->name();
    });
    if (known == fields.end()) {
      fields.push_back(field);
      continue;
    }
    const TypePtr type = wider((*known)->type(), field->type());
    if (type == nullptr) return nullptr;
    *known = (*known)->WithType(type);
  }
  return arrow::struct_(std::move(fields));
}

/// A type that holds every value of both exactly; null where there is none.
TypePtr wider(const TypePtr& a, const TypePtr& b) {
  if (a->Equals(*b)) return a;
  if (arrow::is_integer(a->id()) && arrow::is_integer(b->id())) return wider_integer(*a, *b);
  if (is_exact(*a) && is_exact(*b)) {
    const auto [left_whole, left_scale] = shape_of(*a);
    const auto [right_whole, right_scale] = shape_of(*b);
    return decimal_for(std::max(left_whole, right_whole), std::max(left_scale, right_scale));
  }
  if (arrow::is_floating(a->id())) return with_float(*b);
  if (arrow::is_floating(b->id())) return with_float(*a);
  if (arrow::is_temporal(a->id()) && arrow::is_temporal(b->id())) return wider_time(a, b);
  if (a->id() == arrow::Type::STRUCT && b->id() == arrow::Type::STRUCT) return wider_struct(*a, *b);
  if (a->id() == arrow::Type::LIST && b->id() == arrow::Type::LIST) {
    const TypePtr item = wider(a->field(0)->type(), b->field(0)->type());
    return item == nullptr ? nullptr : arrow::list(a->field(0)->WithType(item));
  }
  return nullptr;
}

bool is_number(const arrow::DataType& type) {
  return arrow::is_integer(type.id()) || arrow::is_floating(type.id());
}

/// What both are where they are texts in their files.
TypePtr wider_as(Widening widening, const TypePtr& a, const TypePtr& b) {
  const TypePtr type = wider(a, b);
  if (type != nullptr || widening == Widening::exact) return type;
  // Integers that a double does not hold are found when they are read.
  if (is_number(*a) && is_number(*b)) return arrow::float64();
  const auto is_text = [&](const arrow::DataType& type) {
    if (widening == Widening::text) return !arrow::is_nested(type.id());
    return arrow::is_temporal(type.id()) || type.id() == arrow::Type::STRING;
  };
  return is_text(*a) && is_text(*b) ? arrow::utf8() : nullptr;
}

Error clash(const FieldPtr& first, const std::string& first_file, const FieldPtr& other,
            const std::string& other_file) {
  Error error = make_error(
      ErrorCode::invalid_argument, "column '{}' is {} in '{}' and {} in '{}': no type holds both",
      first->name(), type_name(*first->type()), first_file, type_name(*other->type()), other_file);
  error.hint = "narrow 'path', or name the columns to read in 'columns'";
  return error;
}

}  // namespace

Result<SchemaPtr> united_schema(const std::vector<FileColumns>& files, Widening widening) {
  arrow::FieldVector fields;
  std::map<std::string, std::size_t> places;
  std::map<std::string, std::string> first_files;
  for (const FileColumns& file : files) {
    for (const FieldPtr& field : file.schema->fields()) {
      const auto [place, added] = places.emplace(field->name(), fields.size());
      if (added) fields.push_back(field);
      FieldPtr& known = fields[place->second];
      if (is_unseen(*known)) known = field;
      if (added || is_unseen(*field)) {
        first_files.emplace(field->name(), file.path);
        continue;
      }
      const TypePtr type = wider_as(widening, known->type(), field->type());
      if (type == nullptr) return clash(known, first_files[field->name()], field, file.path);
      known = known->WithType(type);
    }
  }
  return arrow::schema(std::move(fields));
}

}  // namespace troupe
