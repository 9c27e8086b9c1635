#include "runtime/data/arrow_result.hpp"
#include "runtime/formats/column_types.hpp"
#include "runtime/formats/csv_parse.hpp"
#include "runtime/formats/exact_number.hpp"

#include <arrow/array.h>
#include <arrow/csv/converter.h>
#include <arrow/csv/parser.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <optional>

namespace troupe {
namespace {

using arrow::csv::BlockParser;

/// One column that is wanted: where it stands in a row, and how its values are read.
struct WantedColumn {
  std::string name;
  int place = 0;
  std::shared_ptr<arrow::csv::Converter> converter;
  /// Doubles because the first rows looked so: integers must not lose digits.
  bool guessed_double = false;
};

/// Rows that cannot be read, as seen by Arrow's parser: their place in the text, and why.
struct RowError {
  std::int64_t row = 0;
  std::string what;
  std::string hint;
};

/// What came of parsing a text: its rows, or the first one that is wrong.
struct Parsed {
  Batch batch;
  std::uint32_t bytes = 0;
  std::optional<RowError> error;
};

/// A row that was cut out of a block by itself, for dialects that leave rows out.
struct PickedRow {
  std::size_t begin = 0;  ///< in the picked text
  std::size_t end = 0;
  std::int64_t line = 0;
};

/// Parses whole blocks with Arrow's parser and converters, directly: no threads of Arrow's, no
/// column that nobody wants, and rows of ours to count lines by.
///
/// Where comments or wrong rows are to be left out, a block's rows are picked first into a text of
/// their own; everywhere else its text is parsed as it stands.
class CsvReader final : public BatchReader {
 public:
  CsvReader(std::string path, const CsvDialect& dialect, std::unique_ptr<TextBlocks> blocks)
      : path_(std::move(path)),
        dialect_(dialect),
        rows_(dialect),
        picks_(dialect.skip_errors || !dialect.comment.empty()),
        convert_(convert_options(dialect)),
        blocks_(std::move(blocks)) {}

  /// Finds the columns by their names.
  Result<> start(const CsvHead& head, const SchemaPtr& columns, const ColumnTypes& declared) {
    names_ = head.names.size();
    parse_ = parse_options(dialect_, names_);
    parse_.invalid_row_handler = [this](const arrow::csv::InvalidRow& row) {
      error_ = RowError{row.number - 1,
                        fmt::format("{} values for {} columns: {}", row.actual_columns,
                                    row.expected_columns, shown_row(row.text)),
                        row.actual_columns < row.expected_columns
                            ? "check 'delimiter', 'quote' and 'header', mend the file, or say "
                              "'missing: null'"
                            : "check 'delimiter', 'quote' and 'header', or mend the file"};
      return arrow::csv::InvalidRowResult::Error;
    };
    for (const auto& field : columns->fields()) {
      const auto found = std::find(head.names.begin(), head.names.end(), field->name());
      if (found == head.names.end()) {
        return make_error(ErrorCode::invalid_argument, "'{}' has no column '{}'", path_,
                          field->name());
      }
      const bool guessed = field->type()->id() == arrow::Type::DOUBLE;
      wanted_.push_back({field->name(), static_cast<int>(found - head.names.begin()),
                         TRY(arrow_try(arrow::csv::Converter::Make(field->type(), convert_))),
                         guessed && !declared.contains(field->name())});
    }
    schema_ = columns;
    return {};
  }

  /// Goes on with this block, of which `taken` bytes stand before the rows.
  Result<> begin(const TextBlock& block, std::size_t taken) {
    skipped_.add(in_order());
    of_block_.clear();
    count_of_block_ = 0;
    block_ = block;
    before_ = taken;
    text_ = block_.text.substr(taken);
    taken_ = 0;
    if (picks_) return pick();
    const auto fault = rows_.first_fault(text_);
    return fault ? quote_error(at_line(line_of(fault->begin)), *fault, text_) : Result<>();
  }

  Result<Batch> next() override {
    if (names_ == 0) return Batch();
    while (true) {
      while (taken_ == text_.size()) {
        if (block_.last) return Batch();
        TRY(begin(TRY(blocks_->next()), 0));
      }
      Batch batch = TRY(picks_ ? next_picked() : next_plain());
      if (batch.rows() > 0) return batch;
    }
  }

  SkippedRows skipped() const override {
    SkippedRows all = skipped_;
    all.add(in_order());
    return all;
  }

 private:
  // ---- a text as it stands -------------------------------------------------------------------

  Result<Batch> next_plain() {
    const std::string_view rest = text_.substr(taken_);
    Parsed parsed = TRY(parse(rest, block_.last));
    if (parsed.error)
      return told(line_of(taken_ + begin_of(rest, parsed.error->row)), *parsed.error);
    taken_ += parsed.bytes;
    return std::move(parsed.batch);
  }

  /// Where a row of the text begins.
  std::size_t begin_of(std::string_view text, std::int64_t row) const {
    std::uint32_t bytes = 0;
    if (row > 0) {
      auto options = parse_options(dialect_, names_);
      BlockParser before(options, static_cast<int>(names_), 1, static_cast<std::int32_t>(row));
      if (!before.Parse(text, &bytes).ok()) bytes = 0;
    }
    while (names_ != 1 && bytes < text.size() && (text[bytes] == '\n' || text[bytes] == '\r')) {
      ++bytes;
    }
    return bytes;
  }

  /// The line in the block's file, counted from where reading began, of a place in `text_`.
  std::int64_t line_of(std::size_t at) const {
    return block_.line + line_breaks(block_.text.substr(0, before_ + at));
  }

  // ---- rows picked out of it -----------------------------------------------------------------

  /// Copies the rows of the block that are to be parsed.
  Result<> pick() {
    const std::string_view all = text_;
    picked_.clear();
    picked_rows_.clear();
    next_row_ = 0;
    std::int64_t line = line_of(0);
    for (std::size_t at = 0; at < all.size();) {
      const CsvRow row = *rows_.next(all, at, true);
      const std::string_view text = all.substr(at, row.end - at);
      if (wanted(row)) TRY(pick(row, all, line));
      at = row.end;
      line += line_breaks(text);
    }
    text_ = picked_;
    return {};
  }

  bool wanted(const CsvRow& row) const {
    return row.kind == CsvRow::Kind::values || (row.kind == CsvRow::Kind::blank && names_ == 1);
  }

  Result<> pick(const CsvRow& row, std::string_view all, std::int64_t line) {
    if (row.fault != CsvRow::Fault::none) {
      const Error error = quote_error(at_line(line), row, all);
      return skip(line, error);
    }
    const std::string_view text = all.substr(row.begin, row.end - row.begin);
    const std::size_t begin = picked_.size();
    picked_ += text;
    if (!text.ends_with('\n') && !text.ends_with('\r')) picked_ += '\n';
    picked_rows_.push_back({begin, picked_.size(), line});
    return {};
  }

  /// The next rows that were picked, without those that turn out to be wrong.
  Result<Batch> next_picked() {
    const std::size_t first = next_row_;
    const std::size_t last = std::min(picked_rows_.size(), first + std::size_t{batch_rows_max});
    next_row_ = last;
    taken_ = picked_rows_[last - 1].end;
    Parsed parsed = TRY(parse(picked_text(first, last), false));
    if (!parsed.error) return std::move(parsed.batch);
    std::vector<std::size_t> good;
    TRY(find_good(first, last, good));
    std::string text;
    for (const std::size_t row : good) text += picked_text(row, row + 1);
    if (text.empty()) return Batch();
    parsed = TRY(parse(text, false));
    ENSURE(!parsed.error, "rows are right by themselves and not together");
    return std::move(parsed.batch);
  }

  std::string_view picked_text(std::size_t first, std::size_t last) const {
    const std::size_t begin = picked_rows_[first].begin;
    return std::string_view(picked_).substr(begin, picked_rows_[last - 1].end - begin);
  }

  /// Looks for the rows that can be read, half by half; the others are skipped.
  Result<> find_good(std::size_t first, std::size_t last, std::vector<std::size_t>& good) {
    const Parsed parsed = TRY(parse(picked_text(first, last), false));
    if (!parsed.error) {
      for (std::size_t row = first; row < last; ++row) good.push_back(row);
      return {};
    }
    if (last - first == 1 || !dialect_.skip_errors) {
      const std::size_t row = first + static_cast<std::size_t>(parsed.error->row);
      const std::int64_t line = picked_rows_[std::min(row, last - 1)].line;
      return skip(line, told(line, *parsed.error));
    }
    const std::size_t half = first + (last - first) / 2;
    TRY(find_good(first, half, good));
    return find_good(half, last, good);
  }

  Result<> skip(std::int64_t line, const Error& error) {
    if (!dialect_.skip_errors) return error;
    // Quotes are looked at first: the first rows of the block are known when all are.
    ++count_of_block_;
    of_block_.emplace(line, error.message);
    if (of_block_.size() > SkippedRows::told_max) of_block_.erase(std::prev(of_block_.end()));
    return {};
  }

  /// The skipped rows of the block.
  SkippedRows in_order() const {
    SkippedRows rows;
    rows.count = count_of_block_;
    for (const auto& [line, why] : of_block_) rows.told.push_back(why);
    return rows;
  }

  // ---- parsing -------------------------------------------------------------------------------

  /// The next rows of a text that begins with one.
  Result<Parsed> parse(std::string_view text, bool final) {
    BlockParser parser(parse_, static_cast<int>(names_), /*first_row=*/1, batch_rows_max);
    error_.reset();
    Parsed parsed;
    const arrow::Status status =
        final ? parser.ParseFinal(text, &parsed.bytes) : parser.Parse(text, &parsed.bytes);
    if (!status.ok() && !error_) error_ = RowError{0, status.message(), {}};
    if (status.ok() && parsed.bytes == 0) error_ = RowError{0, "no row can be read", {}};
    arrow::ArrayVector columns;
    for (const WantedColumn& wanted : wanted_) {
      if (error_) break;
      auto column = wanted.converter->Convert(parser, wanted.place);
      if (!column.ok()) {
        error_ = value_error(parser, wanted, column.status());
      } else {
        if (wanted.guessed_double) error_ = inexact(parser, wanted);
        columns.push_back(*std::move(column));
      }
    }
    parsed.error = std::exchange(error_, std::nullopt);
    if (!parsed.error) {
      parsed.batch =
          Batch(arrow::RecordBatch::Make(schema_, parser.num_rows(), std::move(columns)));
    }
    return parsed;
  }

  /// An integer that a double cannot hold, in a column that is one of doubles by a guess.
  static std::optional<RowError> inexact(const BlockParser& parser, const WantedColumn& wanted) {
    std::optional<RowError> found;
    std::int64_t row = 0;
    const auto seen = parser.VisitColumn(
        wanted.place, [&](const std::uint8_t* data, std::uint32_t size, bool, bool) {
          const std::string_view value(reinterpret_cast<const char*>(data), size);
          if (!found && loses_digits(value)) {
            found = RowError{row, inexact_message(wanted.name, value), inexact_hint(wanted.name)};
          }
          ++row;
          return arrow::Status::OK();
        });
    return seen.ok() ? found : std::nullopt;
  }

  /// Finds the first value that does not convert, and its row.
  static RowError value_error(const BlockParser& parser, const WantedColumn& wanted,
                              const arrow::Status& status) {
    const std::string prefix = "Row #";
    RowError error;
    if (status.message().starts_with(prefix)) {
      error.row = std::atoll(status.message().c_str() + prefix.size()) - 1;
    }
    std::string value = "?";
    std::int64_t at_row = 0;
    const auto seen = parser.VisitColumn(
        wanted.place, [&](const std::uint8_t* data, std::uint32_t size, bool, bool) {
          if (at_row++ == error.row) value.assign(reinterpret_cast<const char*>(data), size);
          return arrow::Status::OK();
        });
    if (!seen.ok()) value = "?";
    if (status.message().find("UTF8") != std::string::npos) {
      error.what = fmt::format("column '{}' is not in UTF-8", wanted.name);
      error.hint = "say what the file is written in, such as 'encoding: latin1'";
      return error;
    }
    error.what = fmt::format("column '{}': '{}' is no {}", wanted.name, shown_row(value),
                             type_name(*wanted.converter->type()));
    error.hint = fmt::format(
        "declare the column, such as types: {{\"{}\": text}}, or list the value in 'null_values'",
        wanted.name);
    return error;
  }

  Error told(std::int64_t line, const RowError& error) const {
    return Error{ErrorCode::invalid_argument, at_line(line) + error.what, error.hint};
  }

  /// "'x.csv', line 12: ", of a line as blocks count them.
  std::string at_line(std::int64_t line) const {
    return fmt::format("'{}', line {}: ", path_, blocks_->lines_before() + line);
  }

  const std::string path_;
  const CsvDialect dialect_;
  const CsvRows rows_;
  const bool picks_;
  const arrow::csv::ConvertOptions convert_;
  const std::unique_ptr<TextBlocks> blocks_;
  arrow::csv::ParseOptions parse_;
  std::size_t names_ = 0;
  std::vector<WantedColumn> wanted_;
  SchemaPtr schema_;
  TextBlock block_{.text = {}};
  std::size_t before_ = 0;  ///< bytes of the block before `text_`
  std::string_view text_;   ///< what is parsed: the block's text, or the rows picked from it
  std::size_t taken_ = 0;   ///< of it
  std::string picked_;
  std::vector<PickedRow> picked_rows_;
  std::size_t next_row_ = 0;
  std::optional<RowError> error_;
  SkippedRows skipped_;                           ///< of the blocks before
  std::map<std::int64_t, std::string> of_block_;  ///< the first ones, by line
  std::int64_t count_of_block_ = 0;
};

}  // namespace

Result<std::unique_ptr<BatchReader>> read_csv(FileSystem& files, const std::string& path,
                                              ByteRange range, const CsvDialect& dialect,
                                              const SchemaPtr& columns,
                                              const ColumnTypes& declared) {
  const CsvDialect known = TRY(with_delimiter(files, path, dialect));
  CsvHead head = TRY(open_head(files, path, known));
  const bool whole = range.begin == 0 && range.end == INT64_MAX;
  auto blocks = std::move(head.blocks);
  if (!whole) blocks = TRY(open_csv(files, path, {.range = range, .first = head.first}, known));
  auto reader = std::make_unique<CsvReader>(path, known, std::move(blocks));
  if (!head.names.empty()) {
    TRY(reader->start(head, columns, declared));
    if (whole) TRY(reader->begin(head.block, head.taken));
  }
  return std::unique_ptr<BatchReader>(std::move(reader));
}

}  // namespace troupe
