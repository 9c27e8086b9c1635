#include "runtime/connectors/printed_rows.hpp"

#include "runtime/base/json.hpp"
#include "runtime/base/json_text.hpp"
#include "runtime/data/arrow_result.hpp"
#include "runtime/data/take.hpp"
#include "runtime/formats/written_text.hpp"
#include "runtime/values/interval_text.hpp"
#include "runtime/values/value_text.hpp"

#include <arrow/array.h>
#include <arrow/buffer.h>
#include <arrow/io/memory.h>
#include <arrow/ipc/reader.h>
#include <arrow/ipc/writer.h>
#include <arrow/record_batch.h>
#include <arrow/scalar.h>
#include <arrow/type.h>
#include <arrow/type_traits.h>
#include <arrow/util/base64.h>

#include <cmath>

namespace troupe {
namespace {

/// As PostgreSQL shows bytes.
std::string hex(std::string_view bytes) {
  std::string text = "\\x";
  for (const char byte : bytes) {
    fmt::format_to(std::back_inserter(text), "{:02x}", static_cast<unsigned char>(byte));
  }
  return text;
}

Result<std::string> value_text(const arrow::Array& column, std::int64_t row) {
  if (column.IsNull(row)) return std::string("null");
  if (column.type_id() == arrow::Type::BINARY) {
    return hex(static_cast<const arrow::BinaryArray&>(column).GetView(row));
  }
  if (column.type_id() == arrow::Type::INTERVAL_MONTH_DAY_NANO) {
    const auto value = static_cast<const arrow::MonthDayNanoIntervalArray&>(column).GetValue(row);
    return format_interval({value.months, value.days, value.nanoseconds});
  }
  const auto scalar = TRY(arrow_try(column.GetScalar(row)));
  if (scalar->type->id() == arrow::Type::DOUBLE) {
    return fmt::format("{}", static_cast<const arrow::DoubleScalar&>(*scalar).value);
  }
  if (scalar->type->id() == arrow::Type::FLOAT) {
    return fmt::format("{}", static_cast<const arrow::FloatScalar&>(*scalar).value);
  }
  return scalar->ToString();
}

/// Doubles that have no place in JSON are text: "nan", "inf".
Json json_of(const arrow::Array& column, std::int64_t row, const std::string& text) {
  if (column.IsNull(row)) return nullptr;
  switch (column.type_id()) {
    case arrow::Type::BOOL:
      return static_cast<const arrow::BooleanArray&>(column).Value(row);
    case arrow::Type::INT8:
    case arrow::Type::INT16:
    case arrow::Type::INT32:
    case arrow::Type::INT64:
      return std::stoll(text);
    case arrow::Type::UINT8:
    case arrow::Type::UINT16:
    case arrow::Type::UINT32:
    case arrow::Type::UINT64:
      return std::stoull(text);
    case arrow::Type::FLOAT:
    case arrow::Type::DOUBLE: {
      const double number = std::stod(text);
      return std::isfinite(number) ? Json(number) : Json(text);
    }
    case arrow::Type::BINARY:  // as write.jsonl writes them
      return arrow::util::base64_encode(
          static_cast<const arrow::BinaryArray&>(column).GetView(row));
    default:
      return text;
  }
}

/// Types whose values have one text, in files as here; floats are left out, for Arrow's text of
/// them is not always the shortest that means the same.
bool has_written_text(const arrow::DataType& type) {
  return !arrow::is_nested(type.id()) && !arrow::is_floating(type.id()) &&
         type.id() != arrow::Type::BINARY && type.id() != arrow::Type::INTERVAL_MONTH_DAY_NANO;
}

}  // namespace

std::string encode_printed(const PrintedRows& printed) {
  const Json header = {{"title", printed.title}, {"rows", printed.rows_in_all}};
  return json_text(header) + "\n" + printed.ipc;
}

Result<PrintedRows> decode_printed(std::string_view bytes) {
  const auto end = bytes.find('\n');
  const Json header = Json::parse(bytes.substr(0, std::min(end, bytes.size())), nullptr, false);
  if (end == std::string_view::npos || !header.is_object()) {
    return make_error(ErrorCode::corrupt, "printed rows without their header");
  }
  return PrintedRows{header.value("title", ""), header.value("rows", std::int64_t{0}),
                     std::string(bytes.substr(end + 1))};
}

Result<std::string> to_ipc(const Batch& batch) {
  const auto stream = TRY(arrow_try(arrow::io::BufferOutputStream::Create()));
  const auto writer =
      TRY(arrow_try(arrow::ipc::MakeStreamWriter(stream, batch.columns()->schema())));
  if (batch.rows() > 0) TRY(arrow_try(writer->WriteRecordBatch(*batch.columns())));
  TRY(arrow_try(writer->Close()));
  return TRY(arrow_try(stream->Finish()))->ToString();
}

Result<Batch> from_ipc(std::string_view bytes) {
  const auto input =
      std::make_shared<arrow::io::BufferReader>(arrow::Buffer::FromString(std::string(bytes)));
  const auto reader = TRY(arrow_try(arrow::ipc::RecordBatchStreamReader::Open(input)));
  std::vector<Batch> batches;
  for (;;) {
    auto columns = TRY(arrow_try(reader->Next()));
    if (!columns) break;
    batches.emplace_back(std::move(columns));
  }
  if (batches.empty()) {
    return Batch(TRY(arrow_try(arrow::RecordBatch::MakeEmpty(reader->schema()))));
  }
  return batches.size() == 1 ? std::move(batches.front()) : concat(batches);
}

Result<std::vector<std::string>> column_text(const Batch& batch, int column) {
  auto array = TRY(plain(batch.columns()->column(column)));
  std::vector<std::string> texts;
  texts.reserve(static_cast<std::size_t>(array->length()));
  if (has_written_text(*array->type())) {
    const auto written = written_texts(array);
    if (written) array = *written;
  }
  const bool is_text = array->type_id() == arrow::Type::STRING;
  for (std::int64_t row = 0; row < array->length(); ++row) {
    if (is_text && array->IsValid(row)) {
      texts.emplace_back(static_cast<const arrow::StringArray&>(*array).GetView(row));
    } else {
      texts.push_back(TRY(value_text(*array, row)));
    }
  }
  return texts;
}

bool is_numeric(const Batch& batch, int column) {
  const auto type = logical_type(batch.columns()->column(column)->type());
  return arrow::is_integer(type->id()) || arrow::is_floating(type->id()) ||
         arrow::is_decimal(type->id());
}

Result<Json> rows_as_json(const Batch& batch) {
  Json rows = Json::array();
  for (std::int64_t row = 0; row < batch.rows(); ++row) rows.push_back(Json::object());
  for (int column = 0; column < batch.columns()->num_columns(); ++column) {
    const auto texts = TRY(column_text(batch, column));
    const auto array = TRY(plain(batch.columns()->column(column)));
    const std::string& name = batch.columns()->column_name(column);
    for (std::int64_t row = 0; row < batch.rows(); ++row) {
      const auto at = static_cast<std::size_t>(row);
      rows[at][name] = json_of(*array, row, texts[at]);
    }
  }
  return rows;
}

}  // namespace troupe
