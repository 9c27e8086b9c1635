#include "runtime/formats/column_types.hpp"

#include "runtime/base/near.hpp"
#include "runtime/base/utf8.hpp"
#include "runtime/data/arrow_result.hpp"
#include "runtime/formats/damage.hpp"
#include "runtime/values/sql_type.hpp"

#include <arrow/array.h>
#include <arrow/builder.h>
#include <arrow/compute/api.h>
#include <arrow/extension_type.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <arrow/util/key_value_metadata.h>

#include <array>
#include <cstring>
#include <set>

namespace troupe {
namespace {

using TypePtr = std::shared_ptr<arrow::DataType>;

constexpr const char* unseen_key = "troupe.unseen";

Result<TypePtr> runtime_type(const TypePtr& found);

Result<std::shared_ptr<arrow::Field>> runtime_field(const std::shared_ptr<arrow::Field>& field) {
  if (!is_utf8(field->name())) {
    return make_error(ErrorCode::invalid_argument, "the name '{}' is not in UTF-8", field->name());
  }
  return field->WithType(TRY(runtime_type(field->type())))->WithMetadata(nullptr);
}

Result<TypePtr> runtime_nested_type(const TypePtr& found) {
  if (found->id() == arrow::Type::LIST) {
    return arrow::list(TRY(runtime_field(found->field(0))));
  }
  if (found->id() == arrow::Type::MAP) {
    const auto& map = static_cast<const arrow::MapType&>(*found);
    return TypePtr(std::make_shared<arrow::MapType>(TRY(runtime_field(map.key_field())),
                                                    TRY(runtime_field(map.item_field()))));
  }
  arrow::FieldVector fields;
  for (const auto& field : found->fields()) fields.push_back(TRY(runtime_field(field)));
  return arrow::struct_(fields);
}

Result<TypePtr> runtime_type(const TypePtr& found) {
  switch (found->id()) {
    case arrow::Type::LARGE_STRING:
    case arrow::Type::STRING_VIEW:
    case arrow::Type::NA:  // a column in which nobody has seen a value yet
      return arrow::utf8();
    case arrow::Type::LARGE_BINARY:
    case arrow::Type::BINARY_VIEW:
    case arrow::Type::FIXED_SIZE_BINARY:
      return arrow::binary();
    case arrow::Type::HALF_FLOAT:
      return arrow::float32();
    case arrow::Type::DATE64:
      return arrow::date32();
    case arrow::Type::DECIMAL32:
    case arrow::Type::DECIMAL64: {
      const auto& decimal = static_cast<const arrow::DecimalType&>(*found);
      return arrow::decimal128(decimal.precision(), decimal.scale());
    }
    case arrow::Type::DICTIONARY:
      return runtime_type(logical_type(found));
    case arrow::Type::EXTENSION:
      return runtime_type(static_cast<const arrow::ExtensionType&>(*found).storage_type());
    case arrow::Type::LARGE_LIST:
    case arrow::Type::FIXED_SIZE_LIST:
      return arrow::list(TRY(runtime_field(found->field(0))));
    case arrow::Type::LIST:
    case arrow::Type::MAP:
    case arrow::Type::STRUCT:
      return runtime_nested_type(found);
    case arrow::Type::BOOL:
    case arrow::Type::INT8:
    case arrow::Type::INT16:
    case arrow::Type::INT32:
    case arrow::Type::INT64:
    case arrow::Type::UINT8:
    case arrow::Type::UINT16:
    case arrow::Type::UINT32:
    case arrow::Type::UINT64:
    case arrow::Type::FLOAT:
    case arrow::Type::DOUBLE:
    case arrow::Type::DECIMAL128:
    case arrow::Type::DECIMAL256:
    case arrow::Type::STRING:
    case arrow::Type::BINARY:
    case arrow::Type::DATE32:
    case arrow::Type::TIME32:
    case arrow::Type::TIME64:
    case arrow::Type::TIMESTAMP:
    case arrow::Type::DURATION:
    case arrow::Type::INTERVAL_MONTH_DAY_NANO:
      return found;
    default:
      return make_error(ErrorCode::unsupported, "columns of type {} cannot be read",
                        found->ToString());
  }
}

Result<std::shared_ptr<arrow::Array>> cast(const std::shared_ptr<arrow::Array>& column,
                                           const TypePtr& type) {
  return TRY(arrow_try(arrow::compute::Cast(*column, type)));
}

/// The first type for which `holds` is false: this one, or one inside it. Null where there is none.
TypePtr first_type_without(const TypePtr& type, bool (*holds)(const arrow::DataType&)) {
  if (!holds(*type)) return type;
  for (const auto& field : type->fields()) {
    if (TypePtr found = first_type_without(field->type(), holds)) return found;
  }
  return nullptr;
}

/// Parquet's intervals: months, days and milliseconds, 32 bits each, which have no type in Arrow.
Result<std::shared_ptr<arrow::Array>> intervals(const arrow::FixedSizeBinaryArray& column) {
  arrow::MonthDayNanoIntervalBuilder builder;
  TRY(arrow_try(builder.Reserve(column.length())));
  for (std::int64_t row = 0; row < column.length(); ++row) {
    if (column.IsNull(row)) {
      builder.UnsafeAppendNull();
      continue;
    }
    std::array<std::uint32_t, 3> parts{};
    std::memcpy(parts.data(), column.GetValue(row), sizeof parts);
    if (parts[0] > INT32_MAX || parts[1] > INT32_MAX) {
      return make_error(ErrorCode::unsupported, "an interval of {} months and {} days", parts[0],
                        parts[1]);
    }
    TRY(arrow_try(
        builder.Append({static_cast<std::int32_t>(parts[0]), static_cast<std::int32_t>(parts[1]),
                        std::int64_t{parts[2]} * 1'000'000})));
  }
  return TRY(arrow_try(builder.Finish()));
}

/// Keeps a dictionary of strings, with the indices and values that batches may have.
Result<std::shared_ptr<arrow::Array>> string_dictionary(const arrow::DictionaryArray& column) {
  const auto indices = TRY(cast(column.indices(), arrow::int32()));
  const auto values = TRY(cast(column.dictionary(), arrow::utf8()));
  return TRY(arrow_try(arrow::DictionaryArray::FromArrays(indices, values)));
}

}  // namespace

Result<SchemaPtr> runtime_schema(const arrow::Schema& found, const std::string& file) {
  arrow::FieldVector fields;
  std::set<std::string> names;
  for (const auto& field : found.fields()) {
    if (!names.insert(field->name()).second) {
      return make_error(ErrorCode::invalid_argument, "'{}' has two columns named '{}'", file,
                        field->name());
    }
    auto mapped = runtime_field(field);
    if (!mapped) {
      const std::string place = fmt::format("column {}", fields.size() + 1);
      // All formats say that names are UTF-8.
      const bool name = mapped.error().code == ErrorCode::invalid_argument;
      if (name) return damaged(file, place, mapped.error().message);
      Error error = at_place(mapped.error(), file, fmt::format("{} ('{}')", place, field->name()));
      error.hint = "write the file without it";
      return error;
    }
    const auto column = (*mapped)->WithNullable(true);
    fields.push_back(field->type()->id() == arrow::Type::NA ? unseen(column) : column);
  }
  return arrow::schema(std::move(fields));
}

std::shared_ptr<arrow::Field> unseen(const std::shared_ptr<arrow::Field>& field) {
  return field->WithMetadata(arrow::key_value_metadata({unseen_key}, {"true"}));
}

bool is_unseen(const arrow::Field& field) {
  return field.metadata() != nullptr && field.metadata()->Contains(unseen_key);
}

Result<std::shared_ptr<arrow::Array>> as_runtime_column(const std::shared_ptr<arrow::Array>& column,
                                                        const TypePtr& type) {
  if (column->type()->Equals(*type)) return column;
  if (column->type_id() == arrow::Type::EXTENSION) {
    return as_runtime_column(static_cast<const arrow::ExtensionArray&>(*column).storage(), type);
  }
  if (column->type_id() == arrow::Type::DICTIONARY && type->id() == arrow::Type::STRING) {
    const auto& dictionary = static_cast<const arrow::DictionaryArray&>(*column);
    static const TypePtr wanted = arrow::dictionary(arrow::int32(), arrow::utf8());
    return column->type()->Equals(*wanted) ? column : TRY(string_dictionary(dictionary));
  }
  if (type->id() == arrow::Type::INTERVAL_MONTH_DAY_NANO) {
    return intervals(static_cast<const arrow::FixedSizeBinaryArray&>(*column));
  }
  return cast(column, type);
}

Result<std::shared_ptr<arrow::RecordBatch>> without_dictionaries(const Batch& batch) {
  auto plain = batch.columns();
  for (int i = 0; i < plain->num_columns(); ++i) {
    const TypePtr type = plain->column(i)->type();
    if (type->id() != arrow::Type::DICTIONARY) continue;
    const TypePtr logical = logical_type(type);
    const auto field = plain->schema()->field(i)->WithType(logical);
    plain = TRY(arrow_try(plain->SetColumn(i, field, TRY(cast(plain->column(i), logical)))));
  }
  return plain;
}

Result<> check_columns(const arrow::Schema& schema, const char* format,
                       bool (*holds)(const arrow::DataType&), const char* others) {
  for (const auto& field : schema.fields()) {
    const auto type = first_type_without(field->type(), holds);
    if (type == nullptr) continue;
    const std::string within = type == field->type() ? "" : " in " + field->type()->ToString();
    Error error =
        make_error(ErrorCode::unsupported, "column '{}' of type {}{} cannot be written as {}",
                   field->name(), type->ToString(), within, format);
    error.hint = fmt::format("cast it, leave it out, or {}", others);
    return error;
  }
  return {};
}

Result<SchemaPtr> select_columns(const SchemaPtr& schema, const std::vector<std::string>& columns) {
  arrow::FieldVector fields;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    const auto field = schema->GetFieldByName(columns[i]);
    if (field == nullptr) {
      return unknown_column(fmt::format("there is no column '{}'", columns[i]), columns[i],
                            schema->field_names())
          .at(std::to_string(i));
    }
    fields.push_back(field);
  }
  return arrow::schema(std::move(fields), schema->metadata());
}

std::string type_name(const arrow::DataType& type) {
  const SqlType sql = sql_type(type.GetSharedPtr());
  return sql.kind == SqlKind::opaque ? type.ToString() : to_string(sql);
}

}  // namespace troupe
