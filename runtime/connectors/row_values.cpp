#include "runtime/connectors/row_values.hpp"

#include "runtime/base/json.hpp"
#include "runtime/base/json_text.hpp"
#include "runtime/data/arrow_result.hpp"
#include "runtime/expr/expression.hpp"

#include <arrow/array.h>
#include <arrow/builder.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <algorithm>
#include <utility>

namespace troupe {
namespace {

/// What the values of a column have in common.
enum class Found { nothing, whole, number, boolean, text };

Found found_in(const Json& value) {
  if (value.is_null()) return Found::nothing;
  if (value.is_boolean()) return Found::boolean;
  if (value.is_number_integer()) return Found::whole;
  return value.is_number() ? Found::number : Found::text;
}

std::string place(std::size_t row, const std::string& column) {
  return fmt::format("rows.{}.{}", row, column);
}

const Json& cell(const Json& row, const std::string& column) {
  static const Json null;
  const auto found = row.find(column);
  return found == row.end() ? null : *found;
}

Result<Found> common(const Json& rows, const std::string& column) {
  Found all = Found::nothing;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const Found one = found_in(cell(rows[i], column));
    const bool numbers = (all == Found::whole && one == Found::number) ||
                         (all == Found::number && one == Found::whole);
    if (numbers) {
      all = Found::number;
    } else if (all == Found::nothing) {
      all = one;
    } else if (one != Found::nothing && one != all) {
      Error error = make_error(ErrorCode::invalid_argument,
                               "the values of '{}' are not all of one type", column);
      error.hint = fmt::format("give its type: types: {{{}: text}}", column);
      return error.at(place(i, column));
    }
  }
  return all;
}

template <class Builder, class Append>
Result<std::shared_ptr<arrow::Array>> build(const Json& rows, const std::string& column,
                                            Append append) {
  Builder builder;
  for (const Json& row : rows) {
    const Json& value = cell(row, column);
    TRY(arrow_try(value.is_null() ? builder.AppendNull() : append(builder, value)));
  }
  return arrow_try(builder.Finish());
}

Result<std::shared_ptr<arrow::Array>> texts(const Json& rows, const std::string& column) {
  return build<arrow::StringBuilder>(rows, column, [](auto& builder, const Json& value) {
    return builder.Append(value.is_string() ? value.get<std::string>() : json_text(value));
  });
}

Result<std::shared_ptr<arrow::Array>> untyped(const Json& rows, const std::string& column) {
  switch (TRY(common(rows, column))) {
    case Found::whole:
      return build<arrow::Int64Builder>(rows, column, [](auto& builder, const Json& value) {
        return builder.Append(value.get<std::int64_t>());
      });
    case Found::number:
      return build<arrow::DoubleBuilder>(rows, column, [](auto& builder, const Json& value) {
        return builder.Append(value.get<double>());
      });
    case Found::boolean:
      return build<arrow::BooleanBuilder>(rows, column, [](auto& builder, const Json& value) {
        return builder.Append(value.get<bool>());
      });
    default:
      return texts(rows, column);
  }
}

Batch one_column(const std::shared_ptr<arrow::Array>& column) {
  return Batch(arrow::RecordBatch::Make(arrow::schema({arrow::field("value", column->type())}),
                                        column->length(), {column}));
}

Result<std::shared_ptr<arrow::Array>> typed(const Json& rows, const NamedText& type) {
  const Batch written = one_column(TRY(texts(rows, type.name)));
  const auto cast =
      Expression::bind(fmt::format("CAST(value AS {}\n)", type.text), written.columns()->schema());
  if (!cast) {
    Error error = make_error(ErrorCode::invalid_argument, "'{}' is no type: {}", type.text,
                             cast.error().message);
    error.hint = "a SQL type, such as bigint, numeric(10,2), text, date or timestamp";
    return error.at("types." + type.name);
  }
  Result<std::shared_ptr<arrow::Array>> values = cast->evaluate(written);
  if (values) return values;
  // Which of them was it?
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const Batch row(written.columns()->Slice(static_cast<std::int64_t>(i), 1));
    const auto alone = cast->evaluate(row);
    if (!alone) return alone.error().at(place(i, type.name));
  }
  return values.error().at("types." + type.name);
}

}  // namespace

Result<Batch> batch_of_rows(const Json& rows, const std::vector<NamedText>& types) {
  arrow::FieldVector fields;
  arrow::ArrayVector columns;
  const auto add = [&](const std::string& name, std::shared_ptr<arrow::Array> column) {
    fields.push_back(arrow::field(name, column->type()));
    columns.push_back(std::move(column));
  };
  for (const NamedText& type : types) add(type.name, TRY(typed(rows, type)));
  for (const Json& row : rows) {
    for (const auto& [name, value] : row.items()) {
      const bool known =
          std::any_of(fields.begin(), fields.end(),
                      [&, &name = name](const auto& field) { return field->name() == name; });
      if (!known) add(name, TRY(untyped(rows, name)));
    }
  }
  const auto length = static_cast<std::int64_t>(rows.size());
  return Batch(arrow::RecordBatch::Make(arrow::schema(std::move(fields)), length, columns));
}

Result<std::string> sql_name_of(const std::shared_ptr<arrow::DataType>& type) {
  switch (type->id()) {
    case arrow::Type::BOOL:
      return std::string("boolean");
    case arrow::Type::INT8:
    case arrow::Type::UINT8:
    case arrow::Type::INT16:
      return std::string("smallint");
    case arrow::Type::UINT16:
    case arrow::Type::INT32:
      return std::string("integer");
    case arrow::Type::UINT32:
    case arrow::Type::INT64:
    case arrow::Type::UINT64:
      return std::string("bigint");
    case arrow::Type::FLOAT:
      return std::string("real");
    case arrow::Type::DOUBLE:
      return std::string("double precision");
    case arrow::Type::STRING:
    case arrow::Type::DICTIONARY:
      return std::string("text");
    case arrow::Type::DATE32:
      return std::string("date");
    case arrow::Type::DECIMAL128: {
      const auto& decimal = static_cast<const arrow::Decimal128Type&>(*type);
      return fmt::format("numeric({},{})", decimal.precision(), decimal.scale());
    }
    case arrow::Type::TIMESTAMP: {
      const auto& timestamp = static_cast<const arrow::TimestampType&>(*type);
      return std::string(timestamp.timezone().empty() ? "timestamp" : "timestamptz");
    }
    default:
      return make_error(ErrorCode::unsupported, "there are no literals of the type {}",
                        type->ToString());
  }
}

}  // namespace troupe
