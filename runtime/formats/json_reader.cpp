#include "runtime/data/arrow_result.hpp"
#include "runtime/formats/json_check.hpp"
#include "runtime/formats/json_parse.hpp"
#include "runtime/formats/utf8_check.hpp"

#include <arrow/array.h>
#include <arrow/builder.h>
#include <arrow/compute/api.h>
#include <arrow/json/options.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <arrow/type_traits.h>
#include <arrow/util/base64.h>
#include <arrow/util/value_parsing.h>

#include <algorithm>

namespace troupe {
namespace {

using TypePtr = std::shared_ptr<arrow::DataType>;
using Others = arrow::json::UnexpectedFieldBehavior;

/// Texts as times of day, for which Arrow has no cast.
template <class Time>
Result<std::shared_ptr<arrow::Array>> times_of_day(const arrow::StringArray& texts,
                                                   const TypePtr& type) {
  typename arrow::TypeTraits<Time>::BuilderType builder(type, arrow::default_memory_pool());
  for (std::int64_t i = 0; i < texts.length(); ++i) {
    if (texts.IsNull(i)) {
      TRY(arrow_try(builder.AppendNull()));
      continue;
    }
    const std::string_view text = texts.GetView(i);
    typename Time::c_type time = 0;
    if (!arrow::internal::ParseValue(static_cast<const Time&>(*type), text.data(), text.size(),
                                     &time)) {
      return make_error(ErrorCode::invalid_argument, "'{}' is no time of day", text);
    }
    TRY(arrow_try(builder.Append(time)));
  }
  return TRY(arrow_try(builder.Finish()));
}

Result<std::shared_ptr<arrow::Array>> bytes(const arrow::StringArray& texts) {
  arrow::BinaryBuilder builder;
  for (std::int64_t i = 0; i < texts.length(); ++i) {
    if (texts.IsNull(i)) {
      TRY(arrow_try(builder.AppendNull()));
      continue;
    }
    const auto decoded = arrow::util::base64_decode(texts.GetView(i));
    if (!decoded.ok()) {
      return make_error(ErrorCode::invalid_argument, "'{}' is no base64", texts.GetView(i));
    }
    TRY(arrow_try(builder.Append(*decoded)));
  }
  return TRY(arrow_try(builder.Finish()));
}

Result<std::shared_ptr<arrow::Array>> from_text(const std::shared_ptr<arrow::Array>& texts,
                                                const TypePtr& type) {
  const auto& strings = static_cast<const arrow::StringArray&>(*texts);
  if (type->id() == arrow::Type::TIME32) return times_of_day<arrow::Time32Type>(strings, type);
  if (type->id() == arrow::Type::TIME64) return times_of_day<arrow::Time64Type>(strings, type);
  if (type->id() == arrow::Type::BINARY) return bytes(strings);
  return TRY(arrow_try(arrow::compute::Cast(*texts, type)));
}

class JsonReader final : public BatchReader {
 public:
  JsonReader(std::string path, SchemaPtr columns, JsonReading reading,
             std::unique_ptr<TextBlocks> blocks)
      : path_(std::move(path)),
        columns_(std::move(columns)),
        reading_(std::move(reading)),
        options_(json_options(columns_, reading_.known ? Others::Error : Others::Ignore)),
        blocks_(std::move(blocks)) {}

  Result<Batch> next() override {
    while (rows_ == nullptr || taken_ == rows_->num_rows()) {
      if (ended_) return Batch();
      const TextBlock block = TRY(blocks_->next());
      ended_ = block.last;
      if (is_blank_json(block.text)) continue;
      auto parsed = rows_of(block.text);
      if (!parsed) return located(block);
      rows_ = *std::move(parsed);
      taken_ = 0;
    }
    const std::int64_t rows = std::min(batch_rows_max, rows_->num_rows() - taken_);
    const auto slice = rows_->Slice(taken_, rows);
    taken_ += rows;
    return Batch(slice);
  }

 private:
  Result<RecordBatchPtr> rows_of(std::string_view text) const {
    const auto parsed = TRY(arrow_try(parse_json(options_, text)));
    arrow::ArrayVector columns;
    bool large = false;
    for (const auto& field : columns_->fields()) {
      const auto column = parsed->GetColumnByName(field->name());
      ENSURE(column != nullptr, "the parser left out '{}'", field->name());
      if (first_not_utf8(*column)) return not_utf8(field->name());
      large = large || holds_large_doubles(*column);
      if (column->type()->Equals(*field->type())) {
        columns.push_back(column);
        continue;
      }
      auto values = from_text(column, field->type());
      if (!values) return values.error().within(fmt::format("column '{}'", field->name()));
      columns.push_back(*std::move(values));
    }
    if (large) TRY(check_numbers(text));
    return arrow::RecordBatch::Make(columns_, parsed->num_rows(), std::move(columns));
  }

  /// Doubles that are so large may have been integers of more digits.
  Result<> check_numbers(std::string_view text) const {
    while (!text.empty()) {
      const std::size_t end = std::min(text.find('\n'), text.size());
      if (const auto fault = inexact_number(text.substr(0, end), *columns_, reading_.declared)) {
        return Error{ErrorCode::invalid_argument, fault->what, fault->hint};
      }
      text.remove_prefix(std::min(end + 1, text.size()));
    }
    return {};
  }

  /// The error of the first line in the block that does not parse by itself.
  Error located(const TextBlock& block) const {
    std::int64_t line = blocks_->lines_before() + block.line;
    for (std::size_t begin = 0; begin < block.text.size(); ++line) {
      const std::size_t end = std::min(block.text.find('\n', begin), block.text.size());
      const std::string_view text = block.text.substr(begin, end - begin);
      begin = end + 1;
      if (is_blank_json(text)) continue;
      const auto alone = rows_of(text);
      if (!alone) return told(fmt::format("'{}', line {}", path_, line), text, alone.error());
    }
    return make_error(ErrorCode::invalid_argument, "'{}': the rows do not parse", path_);
  }

  Error told(const std::string& where, std::string_view object, const Error& error) const {
    if (const auto fault = json_misfit(object, *columns_, reading_.known.get())) {
      return Error{ErrorCode::invalid_argument, fmt::format("{}: {}", where, fault->what),
                   fault->hint};
    }
    std::string why = error.message;
    if (const std::size_t row = why.rfind(" in row "); row != std::string::npos) why.resize(row);
    Error told = make_error(ErrorCode::invalid_argument, "{}: {}", where, why);
    told.hint = error.hint.empty()
                    ? "declare the column's type, such as types: {column: text}, or mend the file"
                    : error.hint;
    return told;
  }

  const std::string path_;
  const SchemaPtr columns_;
  const JsonReading reading_;
  const arrow::json::ParseOptions options_;
  const std::unique_ptr<TextBlocks> blocks_;
  RecordBatchPtr rows_;
  std::int64_t taken_ = 0;
  bool ended_ = false;
};

}  // namespace

Result<std::unique_ptr<BatchReader>> read_json(FileSystem& files, const std::string& path,
                                               ByteRange range, const SchemaPtr& columns,
                                               const JsonReading& reading) {
  auto blocks = TRY(TextBlocks::open(files, path, {.range = range}, last_line_end));
  return std::unique_ptr<BatchReader>(
      std::make_unique<JsonReader>(path, columns, reading, std::move(blocks)));
}

}  // namespace troupe
