#include "tests/support/rows.hpp"

#include "runtime/data/take.hpp"
#include "runtime/operator/batch_reader.hpp"

#include <arrow/array/array_base.h>
#include <arrow/array/array_nested.h>
#include <arrow/compute/api_vector.h>
#include <arrow/datum.h>
#include <arrow/json/from_string.h>
#include <arrow/record_batch.h>
#include <arrow/scalar.h>
#include <arrow/type.h>
#include <fmt/format.h>

#include <algorithm>
#include <random>

namespace troupe {

Batch rows_from(const SchemaPtr& schema, const std::string& json) {
  const auto array =
      arrow::json::ArrayFromJSONString(arrow::struct_(schema->fields()), json).ValueOrDie();
  return Batch(arrow::RecordBatch::FromStructArray(array).ValueOrDie());
}

Result<std::vector<Batch>> batches_of(BatchReader& reader) {
  std::vector<Batch> batches;
  for (Batch batch = TRY(reader.next()); batch; batch = TRY(reader.next())) {
    ENSURE(batch.rows() <= batch_rows_max, "a batch of {} rows", batch.rows());
    batches.push_back(std::move(batch));
  }
  return batches;
}

std::string columns_text(const arrow::Schema& schema) {
  std::string text;
  for (const auto& field : schema.fields()) {
    text += (text.empty() ? "" : ", ") + field->name() + " " + field->type()->ToString();
  }
  return text;
}

std::vector<std::string> lines_of(const std::vector<Batch>& batches) {
  std::vector<std::string> lines;
  for (const Batch& batch : batches) {
    const std::size_t first = lines.size();
    lines.resize(first + static_cast<std::size_t>(batch.rows()));
    for (int c = 0; c < batch.columns()->num_columns(); ++c) {
      const auto column = plain(batch.columns()->column(c)).value();
      for (std::int64_t i = 0; i < batch.rows(); ++i) {
        std::string& line = lines[first + static_cast<std::size_t>(i)];
        if (c > 0) line += '|';
        line += column->IsNull(i) ? "null" : column->GetScalar(i).ValueOrDie()->ToString();
      }
    }
  }
  return lines;
}

std::vector<std::string> sorted_lines_of(const std::vector<Batch>& batches) {
  auto lines = lines_of(batches);
  std::sort(lines.begin(), lines.end());
  return lines;
}

std::vector<Batch> all_of(const std::vector<std::vector<Batch>>& streams) {
  std::vector<Batch> all;
  for (const auto& stream : streams) all.insert(all.end(), stream.begin(), stream.end());
  return all;
}

std::string random_value(const arrow::DataType& type, int value) {
  switch (type.id()) {
    case arrow::Type::STRING: {
      // Long common prefixes, short ones and the empty string: the hard cases of sorting.
      if (value % 3 == 0) return fmt::format("\"common prefix {}\"", value);
      return value == 1 ? "\"\"" : fmt::format("\"{}\"", value);
    }
    case arrow::Type::DOUBLE:
      return value == 1 ? "-0.0" : fmt::format("{}.5", value - 7);
    case arrow::Type::BOOL:
      return value % 2 ? "true" : "false";
    case arrow::Type::DECIMAL128:
      return fmt::format("\"{}.25\"", value - 5);
    default:
      return fmt::format("{}", value - 4);
  }
}

std::vector<Batch> random_rows(const SchemaPtr& schema, const RandomRows& shape) {
  std::mt19937 random(shape.seed);
  const auto below = [&](int bound) { return static_cast<int>(random() % unsigned(bound)); };
  std::vector<Batch> batches;
  for (std::int64_t made = 0; made < shape.rows;) {
    const std::int64_t rows =
        std::min<std::int64_t>(shape.rows - made, 1 + below(static_cast<int>(shape.batch_rows)));
    std::vector<std::shared_ptr<arrow::Array>> columns;
    for (const auto& field : schema->fields()) {
      std::string json = "[";
      for (std::int64_t i = 0; i < rows; ++i) {
        if (i > 0) json += ',';
        const bool null = below(1000) < static_cast<int>(shape.nulls * 1000);
        json += null ? "null" : random_value(*field->type(), below(shape.distinct));
      }
      auto column = arrow::json::ArrayFromJSONString(field->type(), json + "]").ValueOrDie();
      if (shape.dictionaries && field->type()->id() == arrow::Type::STRING && below(2) == 0) {
        column = arrow::compute::DictionaryEncode(column).ValueOrDie().make_array();
      }
      columns.push_back(std::move(column));
    }
    arrow::FieldVector fields;
    for (std::size_t c = 0; c < columns.size(); ++c) {
      fields.push_back(schema->field(static_cast<int>(c))->WithType(columns[c]->type()));
    }
    batches.emplace_back(arrow::RecordBatch::Make(arrow::schema(fields), rows, columns));
    made += rows;
  }
  return batches;
}

std::vector<std::vector<Batch>> deal(const std::vector<Batch>& batches, std::uint32_t subtasks) {
  std::vector<std::vector<Batch>> dealt(subtasks);
  for (std::size_t i = 0; i < batches.size(); ++i) dealt[i % subtasks].push_back(batches[i]);
  return dealt;
}

}  // namespace troupe
