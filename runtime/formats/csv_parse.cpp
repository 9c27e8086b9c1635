#include "runtime/formats/csv_parse.hpp"

#include "runtime/data/arrow_result.hpp"

#include <arrow/buffer.h>
#include <arrow/csv/chunker.h>
#include <arrow/csv/parser.h>

#include <set>

namespace troupe {
namespace {

Error head_error(const std::string& path, std::string message, std::string hint) {
  return Error{ErrorCode::invalid_argument, fmt::format("'{}': {}", path, message),
               std::move(hint)};
}

Result<> check_names(const std::string& path, const std::vector<std::string>& names) {
  const std::string hint = "say 'header: false' if the first row holds values";
  std::set<std::string> seen;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (names[i].empty()) {
      return head_error(path, fmt::format("column {} has no name", i + 1), hint);
    }
    if (!seen.insert(names[i]).second) {
      return head_error(path, fmt::format("two columns are named '{}'", names[i]), hint);
    }
  }
  return {};
}

}  // namespace

arrow::csv::ParseOptions parse_options(const CsvDialect& dialect, std::size_t columns) {
  auto options = arrow::csv::ParseOptions::Defaults();
  options.delimiter = dialect.delimiter;
  options.quoting = dialect.quote != 0;
  if (options.quoting) options.quote_char = dialect.quote;
  options.newlines_in_values = options.quoting && dialect.quoted_line_breaks;
  options.ignore_empty_lines = columns != 1;
  return options;
}

arrow::csv::ConvertOptions convert_options(const CsvDialect& dialect) {
  auto options = arrow::csv::ConvertOptions::Defaults();
  options.null_values = dialect.null_values;
  options.strings_can_be_null = true;
  options.quoted_strings_can_be_null = false;
  options.true_values = {"true", "TRUE", "True", "t", "1"};
  options.false_values = {"false", "FALSE", "False", "f", "0"};
  return options;
}

Result<std::unique_ptr<TextBlocks>> open_csv(const std::string& path, ByteRange range,
                                             const CsvDialect& dialect) {
  const std::shared_ptr<arrow::Chunker> chunker =
      arrow::csv::MakeChunker(parse_options(dialect, 0));
  return TextBlocks::open(path, range, [chunker](std::string_view text) -> Result<std::int64_t> {
    const auto block = std::make_shared<arrow::Buffer>(text);
    std::shared_ptr<arrow::Buffer> whole;
    std::shared_ptr<arrow::Buffer> partial;
    TRY(arrow_try(chunker->Process(block, &whole, &partial)));
    return whole->size() == 0 ? -1 : whole->size();
  });
}

Result<CsvHead> parse_head(const std::string& path, std::string_view text,
                           const CsvDialect& dialect) {
  if (text.empty()) return CsvHead();
  arrow::csv::BlockParser parser(parse_options(dialect, 0), -1, 1, /*max_num_rows=*/1);
  std::uint32_t bytes = 0;
  const arrow::Status status = parser.ParseFinal(text, &bytes);
  if (!status.ok()) return head_error(path, status.message(), "");
  CsvHead head;
  if (parser.num_rows() == 0) return head;
  TRY(arrow_try(parser.VisitLastRow([&](const std::uint8_t* data, std::uint32_t size, bool, bool) {
    head.names.emplace_back(reinterpret_cast<const char*>(data), size);
    return arrow::Status::OK();
  })));
  if (dialect.header) {
    head.bytes = bytes;
    TRY(check_names(path, head.names));
  } else {
    for (std::size_t i = 0; i < head.names.size(); ++i) head.names[i] = fmt::format("column{}", i);
  }
  return head;
}

}  // namespace troupe
