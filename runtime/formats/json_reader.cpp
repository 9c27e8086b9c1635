#include "runtime/data/arrow_result.hpp"
#include "runtime/formats/json_parse.hpp"

#include <arrow/array.h>
#include <arrow/builder.h>
#include <arrow/compute/api.h>
#include <arrow/json/options.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <arrow/type_traits.h>
#include <arrow/util/value_parsing.h>

#include <algorithm>

namespace troupe {
namespace {

using TypePtr = std::shared_ptr<arrow::DataType>;

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
      return fail(ErrorCode::invalid_argument, "'{}' is no time of day", text);
    }
    TRY(arrow_try(builder.Append(time)));
  }
  return TRY(arrow_try(builder.Finish()));
}

Result<std::shared_ptr<arrow::Array>> from_text(const std::shared_ptr<arrow::Array>& texts,
                                                const TypePtr& type) {
  const auto& strings = static_cast<const arrow::StringArray&>(*texts);
  if (type->id() == arrow::Type::TIME32) return times_of_day<arrow::Time32Type>(strings, type);
  if (type->id() == arrow::Type::TIME64) return times_of_day<arrow::Time64Type>(strings, type);
  return TRY(arrow_try(arrow::compute::Cast(*texts, type)));
}

class JsonReader final : public BatchReader {
 public:
  JsonReader(std::string path, ByteRange range, SchemaPtr columns,
             std::unique_ptr<TextBlocks> blocks)
      : path_(std::move(path)),
        range_(range),
        columns_(std::move(columns)),
        options_(json_options(columns_, false)),
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
    for (const auto& field : columns_->fields()) {
      const auto column = parsed->GetColumnByName(field->name());
      ENSURE(column != nullptr, "the parser left out '{}'", field->name());
      columns.push_back(
          column->type()->Equals(*field->type()) ? column : TRY(from_text(column, field->type())));
    }
    return arrow::RecordBatch::Make(columns_, parsed->num_rows(), std::move(columns));
  }

  /// The error of the first line in the block that does not parse by itself.
  Error located(const TextBlock& block) const {
    std::int64_t line = block.line;
    // Lines of a range are counted from its first row, which begins after a line break.
    if (range_.begin > 0) line += line_at(path_, range_.begin - 1);
    for (std::size_t begin = 0; begin < block.text.size(); ++line) {
      const std::size_t end = std::min(block.text.find('\n', begin), block.text.size());
      const std::string_view text = block.text.substr(begin, end - begin);
      begin = end + 1;
      if (is_blank_json(text)) continue;
      const auto alone = rows_of(text);
      if (!alone) return told(fmt::format("'{}', line {}", path_, line), alone.error().message);
    }
    return told(fmt::format("'{}'", path_), "the rows do not parse");
  }

  static Error told(const std::string& where, std::string why) {
    const std::size_t row = why.rfind(" in row ");
    if (row != std::string::npos) why.resize(row);
    Error error = fail(ErrorCode::invalid_argument, "{}: {}", where, why);
    error.hint = "declare the column's type, such as types: {column: text}, or mend the file";
    return error;
  }

  const std::string path_;
  const ByteRange range_;
  const SchemaPtr columns_;
  const arrow::json::ParseOptions options_;
  const std::unique_ptr<TextBlocks> blocks_;
  RecordBatchPtr rows_;
  std::int64_t taken_ = 0;
  bool ended_ = false;
};

}  // namespace

Result<std::unique_ptr<BatchReader>> read_json(const std::string& path, ByteRange range,
                                               const SchemaPtr& columns) {
  auto blocks = TRY(TextBlocks::open(path, range, last_line_end));
  return std::unique_ptr<BatchReader>(
      std::make_unique<JsonReader>(path, range, columns, std::move(blocks)));
}

}  // namespace troupe
