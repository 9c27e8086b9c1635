#include "tests/support/typed_rows.hpp"

#include "runtime/base/ensure.hpp"
#include "runtime/os/random.hpp"

#include <arrow/array.h>
#include <arrow/array/concatenate.h>
#include <arrow/builder.h>
#include <arrow/compute/api.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <sstream>

namespace troupe {
namespace {

using ArrayPtr = std::shared_ptr<arrow::Array>;

template <class T>
T must(arrow::Result<T> result) {
  ENSURE(result.ok(), "{}", result.status().ToString());
  return *std::move(result);
}
void must(const arrow::Status& status) { ENSURE(status.ok(), "{}", status.ToString()); }

std::int64_t random_number(Random& random) {
  switch (random.below(8)) {
    case 0:
      return INT64_MIN;
    case 1:
      return INT64_MAX;
    case 2:
      return 0;
    case 3:
      return static_cast<std::int64_t>(random.next());
    default:
      return static_cast<std::int64_t>(random.below(200)) - 100;
  }
}

std::string random_text(Random& random) {
  static const std::vector<std::string> odd = {
      "", " ", "a,b", "\"quoted\"", "two\nlines", "tab\there", "ä€😀", "NULL", "0", "it's", "\\"};
  if (random.below(2) == 0) return odd[random.below(odd.size())];
  return std::string(random.below(12), static_cast<char>('a' + random.below(26)));
}

/// Values of the narrow types are the low bits of random numbers; of times, seconds of this age.
ArrayPtr random_integers(const std::shared_ptr<arrow::DataType>& type, std::int64_t rows,
                         Random& random) {
  const int width = type->byte_width();
  auto bytes = must(arrow::AllocateBuffer(rows * width));
  auto nulls = must(arrow::AllocateEmptyBitmap(rows));
  for (std::int64_t i = 0; i < rows; ++i) {
    std::int64_t value = random_number(random);
    if (type->id() == arrow::Type::DATE32) value %= 40'000;
    if (type->id() == arrow::Type::TIME32) value = std::abs(value % 86'400);
    if (type->id() == arrow::Type::TIME64) value = std::abs(value % 86'400'000'000);
    if (type->id() == arrow::Type::TIMESTAMP) value %= 4'000'000'000'000'000;
    std::memcpy(bytes->mutable_data() + i * width, &value, static_cast<std::size_t>(width));
    const bool valid = random.below(5) != 0;
    nulls->mutable_data()[i / 8] |= static_cast<std::uint8_t>(valid << (i % 8));
  }
  return arrow::MakeArray(arrow::ArrayData::Make(
      type, rows, {std::shared_ptr<arrow::Buffer>(std::move(nulls)), std::move(bytes)}));
}

template <class Builder, class Value>
ArrayPtr random_values(Builder&& builder, std::int64_t rows, Random& random, Value value) {
  for (std::int64_t i = 0; i < rows; ++i) {
    must(random.below(5) == 0 ? builder.AppendNull() : builder.Append(value()));
  }
  return must(builder.Finish());
}

ArrayPtr random_array(const std::shared_ptr<arrow::DataType>& type, std::int64_t rows,
                      Random& random) {
  switch (type->id()) {
    case arrow::Type::BOOL:
      return random_values(arrow::BooleanBuilder(), rows, random,
                           [&] { return random.below(2) == 0; });
    case arrow::Type::FLOAT:
      return random_values(arrow::FloatBuilder(), rows, random,
                           [&] { return static_cast<float>(random_number(random)) / 3; });
    case arrow::Type::DOUBLE:
      return random_values(arrow::DoubleBuilder(), rows, random,
                           [&] { return static_cast<double>(random_number(random)) / 7; });
    case arrow::Type::STRING:
      return random_values(arrow::StringBuilder(), rows, random,
                           [&] { return random_text(random); });
    case arrow::Type::BINARY:
      return random_values(arrow::BinaryBuilder(), rows, random,
                           [&] { return random_text(random) + '\0'; });
    case arrow::Type::DECIMAL128:
      return random_values(arrow::Decimal128Builder(type), rows, random, [&] {
        return arrow::Decimal128(static_cast<std::int64_t>(random.below(2'000'000)) - 1'000'000);
      });
    default:
      return random_integers(type, rows, random);
  }
}

}  // namespace

SchemaPtr every_type() {
  const std::vector<std::shared_ptr<arrow::DataType>> types = {
      arrow::boolean(),
      arrow::int8(),
      arrow::int16(),
      arrow::int32(),
      arrow::int64(),
      arrow::uint8(),
      arrow::uint16(),
      arrow::uint32(),
      arrow::uint64(),
      arrow::float32(),
      arrow::float64(),
      arrow::decimal128(12, 2),
      arrow::utf8(),
      arrow::binary(),
      arrow::date32(),
      arrow::time64(arrow::TimeUnit::MICRO),
      arrow::timestamp(arrow::TimeUnit::MICRO),
      arrow::timestamp(arrow::TimeUnit::MICRO, "Europe/Berlin")};
  arrow::FieldVector fields;
  for (const auto& type : types) fields.push_back(arrow::field(type->ToString(), type));
  return arrow::schema(std::move(fields));
}

Batch random_batch(const SchemaPtr& schema, std::int64_t rows, Random& random) {
  arrow::ArrayVector columns;
  for (const auto& field : schema->fields()) {
    columns.push_back(random_array(field->type(), rows, random));
  }
  return Batch(arrow::RecordBatch::Make(schema, rows, std::move(columns)));
}

Batch joined(const std::vector<Batch>& batches, const SchemaPtr& schema) {
  arrow::ArrayVector columns;
  std::int64_t rows = 0;
  for (const Batch& batch : batches) rows += batch.rows();
  for (int i = 0; i < schema->num_fields(); ++i) {
    arrow::ArrayVector parts = {must(arrow::MakeEmptyArray(schema->field(i)->type()))};
    for (const Batch& batch : batches) {
      parts.push_back(
          must(arrow::compute::Cast(*batch.columns()->column(i), schema->field(i)->type())));
    }
    columns.push_back(must(arrow::Concatenate(parts)));
  }
  return Batch(arrow::RecordBatch::Make(schema, rows, std::move(columns)));
}

std::string difference(const Batch& expected, const Batch& found) {
  const auto& left = *expected.columns();
  const auto& right = *found.columns();
  if (!left.schema()->Equals(*right.schema(), false)) {
    return "schema " + right.schema()->ToString() + " instead of " + left.schema()->ToString();
  }
  if (left.num_rows() != right.num_rows()) {
    return std::to_string(right.num_rows()) + " rows instead of " + std::to_string(left.num_rows());
  }
  for (int i = 0; i < left.num_columns(); ++i) {
    std::stringstream text;
    const auto options = arrow::EqualOptions::Defaults().nans_equal(true).diff_sink(&text);
    if (!left.column(i)->Equals(*right.column(i), options)) {
      return "column '" + left.column_name(i) + "': " + text.str();
    }
  }
  return "";
}

}  // namespace troupe
