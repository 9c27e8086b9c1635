#include "tests/runtime/expr/sample.hpp"

#include "runtime/values/interval_text.hpp"
#include "runtime/values/sql_type.hpp"
#include "runtime/values/value_text.hpp"

#include <arrow/array.h>
#include <arrow/compute/api.h>
#include <arrow/compute/initialize.h>
#include <arrow/json/from_string.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <stdexcept>

namespace troupe {

namespace {

struct Column {
  const char* name;
  std::shared_ptr<arrow::DataType> type;
  const char* values;
};

// tests/golden/expr/sample.sql holds the same rows for PostgreSQL.
const std::vector<Column>& sample_columns() {
  static const std::vector<Column> columns = {
      {"i2", arrow::int16(), "[7, -3, 0, 300, 1, null]"},
      {"i4", arrow::int32(), "[42, -17, 0, 1000000000, 100, null]"},
      {"i8", arrow::int64(), "[1000000000000, -5, 0, 4000000000000000000, 10, null]"},
      {"n", arrow::decimal128(10, 2), R"(["12.34", "-0.05", "0.00", "99999999.99", "0.10", null])"},
      {"f4", arrow::float32(), "[1.5, -0.25, 0, 1e10, 0.1, null]"},
      {"f8", arrow::float64(), "[2.25, -3.5, 0, 1e300, NaN, null]"},
      {"b", arrow::boolean(), "[true, false, false, true, null, null]"},
      {"t", arrow::utf8(),
       R"(["Hello World", "  trim me ", "", "naïve café 日本", "100%_\\x", null])"},
      {"d", arrow::date32(), "[15736, -1, 11016, 47846, 20087, null]"},
      {"ts", arrow::timestamp(arrow::TimeUnit::MICRO),
       R"(["2013-01-31 14:05:06.789", "1969-12-31 23:59:59.5", "2000-02-29 00:00:00",
           "2100-12-31 12:00:00", "2024-12-30 06:30:00", null])"},
      {"iv", arrow::month_day_nano_interval(),
       R"([[0, 1, 7384000000000], [-1, 0, 0], [0, 0, 0], [14, 3, 14706500000000],
           [0, 40, -3600000000000], null])"},
      {"Cap", arrow::utf8(), R"(["x", "Y", "", "Ω", "a,b", null])"},
  };
  return columns;
}

Batch rows_of(bool encoded) {
  if (!arrow::compute::Initialize().ok()) throw std::runtime_error("Arrow compute");
  arrow::FieldVector fields;
  arrow::ArrayVector arrays;
  for (const Column& column : sample_columns()) {
    auto values = arrow::json::ArrayFromJSONString(column.type, column.values).ValueOrDie();
    if (encoded && column.type->id() == arrow::Type::STRING) {
      // The dictionary has a word that no row uses, as those of files may.
      auto words = arrow::json::ArrayFromJSONString(
                       arrow::utf8(), R"(["unused", "", "100%_\\x", "a,b", "x", "Y", "Ω",
                                          "Hello World", "  trim me ", "naïve café 日本"])")
                       .ValueOrDie();
      auto at =
          arrow::compute::CallFunction(
              "index_in", {values}, std::make_unique<arrow::compute::SetLookupOptions>(words).get())
              .ValueOrDie();
      values = arrow::DictionaryArray::FromArrays(arrow::dictionary(arrow::int32(), arrow::utf8()),
                                                  at.make_array(), words)
                   .ValueOrDie();
    }
    fields.push_back(arrow::field(column.name, values->type()));
    arrays.push_back(std::move(values));
  }
  return Batch(arrow::RecordBatch::Make(arrow::schema(fields), arrays.front()->length(), arrays));
}

}  // namespace

Batch sample_rows() { return rows_of(false); }
Batch sample_rows_encoded() { return rows_of(true); }

std::string shown(const arrow::Array& values, std::int64_t row) {
  if (values.IsNull(row)) return "NULL";
  switch (values.type_id()) {
    case arrow::Type::DICTIONARY: {
      const auto& encoded = static_cast<const arrow::DictionaryArray&>(values);
      return shown(*encoded.dictionary(), encoded.GetValueIndex(row));
    }
    case arrow::Type::BOOL:
      return static_cast<const arrow::BooleanArray&>(values).Value(row) ? "true" : "false";
    case arrow::Type::FLOAT:
      return format_float(static_cast<const arrow::FloatArray&>(values).Value(row));
    case arrow::Type::DOUBLE:
      return format_double(static_cast<const arrow::DoubleArray&>(values).Value(row));
    case arrow::Type::DECIMAL128:
      return static_cast<const arrow::Decimal128Array&>(values).FormatValue(row);
    case arrow::Type::STRING:
      return static_cast<const arrow::StringArray&>(values).GetString(row);
    case arrow::Type::DATE32:
      return format_date(Date{static_cast<const arrow::Date32Array&>(values).Value(row)});
    case arrow::Type::TIMESTAMP:
      return format_moment(Moment{static_cast<const arrow::TimestampArray&>(values).Value(row)},
                           sql_type(values.type()).kind == SqlKind::timestamptz);
    case arrow::Type::INTERVAL_MONTH_DAY_NANO: {
      const auto value = static_cast<const arrow::MonthDayNanoIntervalArray&>(values).Value(row);
      return format_interval(Interval{value.months, value.days, value.nanoseconds});
    }
    default:
      return values.GetScalar(row).ValueOrDie()->ToString();
  }
}

std::string shown_type(const std::shared_ptr<arrow::DataType>& type) {
  return to_string(sql_type(type));
}

}  // namespace troupe
