#include "runtime/data/arrow_result.hpp"
#include "runtime/formats/column_types.hpp"
#include "runtime/formats/csv_parse.hpp"

#include <arrow/array.h>
#include <arrow/csv/converter.h>
#include <arrow/csv/parser.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <algorithm>
#include <optional>

namespace troupe {
namespace {

using arrow::csv::BlockParser;

constexpr std::size_t shown_bytes_max = 60;

std::string shown(std::string_view text) {
  while (text.ends_with('\n') || text.ends_with('\r')) text.remove_suffix(1);
  if (text.size() <= shown_bytes_max) return std::string(text);
  return std::string(text.substr(0, shown_bytes_max)) + "...";
}

/// One column that is wanted: where it stands in a row, and how its values are read.
struct WantedColumn {
  std::string name;
  int place = 0;
  std::shared_ptr<arrow::csv::Converter> converter;
};

/// A row that does not have as many values as there are columns.
struct OddRow {
  std::int64_t row = 0;  ///< in its parser, from 0
  std::int32_t expected = 0;
  std::int32_t found = 0;
  std::string text;
};

/// Parses whole blocks with Arrow's parser and converters, directly: no threads of Arrow's, no
/// column that nobody wants, and rows of ours to count lines by.
class CsvReader final : public BatchReader {
 public:
  CsvReader(std::string path, ByteRange range, const CsvDialect& dialect,
            std::unique_ptr<TextBlocks> blocks)
      : path_(std::move(path)),
        range_(range),
        dialect_(dialect),
        convert_(convert_options(dialect)),
        blocks_(std::move(blocks)) {}

  /// Finds the columns by their names; `text` is the first block.
  Result<> start(const CsvHead& head, std::optional<TextBlock> first, const SchemaPtr& columns) {
    names_ = head.names.size();
    parse_ = parse_options(dialect_, names_);
    parse_.invalid_row_handler = [this](const arrow::csv::InvalidRow& row) {
      odd_row_ = OddRow{row.number - 1, row.expected_columns, row.actual_columns, shown(row.text)};
      return arrow::csv::InvalidRowResult::Error;
    };
    for (const auto& field : columns->fields()) {
      const auto found = std::find(head.names.begin(), head.names.end(), field->name());
      if (found == head.names.end()) {
        return fail(ErrorCode::invalid_argument, "'{}' has no column '{}'", path_, field->name());
      }
      wanted_.push_back({field->name(), static_cast<int>(found - head.names.begin()),
                         TRY(arrow_try(arrow::csv::Converter::Make(field->type(), convert_)))});
    }
    schema_ = columns;
    if (first) {
      block_ = *first;
      taken_ = head.bytes;
    }
    return {};
  }

  Result<Batch> next() override {
    while (true) {
      while (taken_ == block_.text.size()) {
        if (block_.last) return Batch();
        block_ = TRY(blocks_->next());
        taken_ = 0;
        if (block_.text.empty() && block_.last) return Batch();
      }
      Batch batch = TRY(parse());
      if (batch.rows() > 0) return batch;
    }
  }

 private:
  /// The next rows of the block.
  Result<Batch> parse() {
    const std::string_view text = block_.text.substr(taken_);
    BlockParser parser(parse_, static_cast<int>(names_), /*first_row=*/1, batch_rows_max);
    std::uint32_t bytes = 0;
    const arrow::Status status =
        block_.last ? parser.ParseFinal(text, &bytes) : parser.Parse(text, &bytes);
    if (!status.ok()) return parse_error(text, status);
    if (bytes == 0) return Error{ErrorCode::corrupt, at(text, 0) + "no row can be read"};
    arrow::ArrayVector columns;
    for (const WantedColumn& wanted : wanted_) {
      auto column = wanted.converter->Convert(parser, wanted.place);
      if (!column.ok()) return value_error(text, parser, wanted, column.status());
      columns.push_back(*std::move(column));
    }
    taken_ += bytes;
    return Batch(arrow::RecordBatch::Make(schema_, parser.num_rows(), std::move(columns)));
  }

  Error parse_error(std::string_view text, const arrow::Status& status) {
    if (!odd_row_) return Error{ErrorCode::invalid_argument, at(text, 0) + status.message()};
    Error error =
        fail(ErrorCode::invalid_argument, "{}{} values for {} columns: {}", at(text, odd_row_->row),
             odd_row_->found, odd_row_->expected, odd_row_->text);
    error.hint = "check 'delimiter', 'quote' and 'header', or mend the file";
    return error;
  }

  /// Finds the first value that does not convert, and its row.
  Error value_error(std::string_view text, const BlockParser& parser, const WantedColumn& wanted,
                    const arrow::Status& status) {
    const std::string prefix = "Row #";
    std::int64_t row = 0;
    if (status.message().starts_with(prefix)) {
      row = std::atoll(status.message().c_str() + prefix.size()) - 1;
    }
    std::string value;
    std::int64_t at_row = 0;
    const auto seen = parser.VisitColumn(
        wanted.place, [&](const std::uint8_t* data, std::uint32_t size, bool, bool) {
          if (at_row++ == row) value.assign(reinterpret_cast<const char*>(data), size);
          return arrow::Status::OK();
        });
    if (status.message().find("UTF8") != std::string::npos) {
      Error error = fail(ErrorCode::invalid_argument, "{}column '{}' is not in UTF-8",
                         at(text, row), wanted.name);
      error.hint = "convert the file, such as iconv -f latin1 -t utf-8";
      return error;
    }
    const std::string type = type_name(*wanted.converter->type());
    Error error = fail(ErrorCode::invalid_argument, "{}column '{}': '{}' is no {}", at(text, row),
                       wanted.name, seen.ok() ? shown(value) : "?", type);
    error.hint = fmt::format(
        "declare the column, such as types: {{\"{}\": text}}, or list the value in 'null_values'",
        wanted.name);
    return error;
  }

  /// "'x.csv', line 12: ": the line of a row of the text being parsed.
  std::string at(std::string_view text, std::int64_t row) {
    std::uint32_t bytes = 0;
    if (row > 0) {
      auto options = parse_options(dialect_, names_);
      BlockParser before(options, static_cast<int>(names_), 1, static_cast<std::int32_t>(row));
      if (!before.Parse(text, &bytes).ok()) bytes = 0;
    }
    while (names_ != 1 && bytes < text.size() && (text[bytes] == '\n' || text[bytes] == '\r')) {
      ++bytes;
    }
    const std::string_view rows = block_.text.substr(0, taken_ + bytes);
    std::int64_t line = block_.line + std::count(rows.begin(), rows.end(), '\n');
    // Lines of a range are counted from its first row, which begins after a line break.
    if (range_.begin > 0) line += line_at(path_, range_.begin - 1);
    return fmt::format("'{}', line {}: ", path_, line);
  }

  const std::string path_;
  const ByteRange range_;
  const CsvDialect dialect_;
  const arrow::csv::ConvertOptions convert_;
  const std::unique_ptr<TextBlocks> blocks_;
  arrow::csv::ParseOptions parse_;
  std::size_t names_ = 0;
  std::vector<WantedColumn> wanted_;
  SchemaPtr schema_;
  TextBlock block_{.text = {}};
  std::size_t taken_ = 0;
  std::optional<OddRow> odd_row_;
};

}  // namespace

Result<std::unique_ptr<BatchReader>> read_csv(const std::string& path, ByteRange range,
                                              const CsvDialect& dialect, const SchemaPtr& columns) {
  auto blocks = TRY(open_csv(path, range, dialect));
  CsvHead head;
  std::optional<TextBlock> first;
  if (range.begin == 0) {
    first = TRY(blocks->next());
    head = TRY(parse_head(path, first->text, dialect));
  } else {
    head.names = TRY(csv_names(path, dialect));
  }
  auto reader = std::make_unique<CsvReader>(path, range, dialect, std::move(blocks));
  if (!head.names.empty()) TRY(reader->start(head, first, columns));
  return std::unique_ptr<BatchReader>(std::move(reader));
}

}  // namespace troupe
