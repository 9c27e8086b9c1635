#include "runtime/formats/csv_parse.hpp"

#include "runtime/base/utf8.hpp"
#include "runtime/data/arrow_result.hpp"

#include <arrow/csv/parser.h>

#include <algorithm>
#include <set>

namespace troupe {
namespace {

/// Rows that are looked at for the delimiter.
constexpr int sampled_rows_max = 100;

Error head_error(const std::string& path, std::string message, std::string hint) {
  return Error{ErrorCode::invalid_argument, fmt::format("'{}': {}", path, message),
               std::move(hint)};
}

Result<> check_names(const std::string& path, const std::vector<std::string>& names) {
  const auto hint = [](const std::string& name) {
    return fmt::format(
        "say 'header: false' if the first row holds values, or 'duplicate_names: rename' to make "
        "it '{}'",
        name);
  };
  std::set<std::string> seen;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (names[i].empty()) {
      return head_error(path, fmt::format("column {} has no name", i + 1),
                        hint(fmt::format("column{}", i)));
    }
    if (!seen.insert(names[i]).second) {
      return head_error(path, fmt::format("two columns are named '{}'", names[i]),
                        hint(names[i] + "_2"));
    }
  }
  return {};
}

/// A name that is not taken: the first one of `name`, `name_2`, `name_3`, ...
std::string free_name(const std::string& name, const std::set<std::string>& taken) {
  std::string free = name;
  for (int i = 2; taken.contains(free); ++i) free = fmt::format("{}_{}", name, i);
  return free;
}

/// Names that are there once stay as they are.
std::vector<std::string> renamed(const std::vector<std::string>& names) {
  std::set<std::string> taken(names.begin(), names.end());
  std::set<std::string> seen;
  std::vector<std::string> all;
  for (std::size_t i = 0; i < names.size(); ++i) {
    const bool stays = !names[i].empty() && seen.insert(names[i]).second;
    const std::string wanted = names[i].empty() ? fmt::format("column{}", i) : names[i];
    all.push_back(stays ? wanted : free_name(wanted, taken));
    taken.insert(all.back());
  }
  return all;
}

/// The values of one row, without their quotes.
Result<std::vector<std::string>> values_of(std::string_view row, const CsvDialect& dialect) {
  std::vector<std::string> values;
  arrow::csv::BlockParser parser(parse_options(dialect, 0), -1, 1, /*max_num_rows=*/1);
  std::uint32_t bytes = 0;
  TRY(arrow_try(parser.ParseFinal(row, &bytes)));
  TRY(arrow_try(parser.VisitLastRow([&](const std::uint8_t* data, std::uint32_t size, bool, bool) {
    values.emplace_back(reinterpret_cast<const char*>(data), size);
    return arrow::Status::OK();
  })));
  return values;
}

/// The names of the columns, from the first row.
Result<std::vector<std::string>> names_of(const std::string& path, const CsvRow& row,
                                          std::string_view text, const CsvDialect& dialect) {
  std::vector<std::string> names =
      TRY(values_of(text.substr(row.begin, row.end - row.begin), dialect));
  for (std::size_t i = 0; i < names.size() && dialect.header; ++i) {
    if (is_utf8(names[i])) continue;
    return head_error(path, fmt::format("the name of column {} is not in UTF-8", i + 1),
                      "say what the file is written in, such as 'encoding: latin1'");
  }
  if (!dialect.header) {
    for (std::size_t i = 0; i < names.size(); ++i) names[i] = fmt::format("column{}", i);
  } else if (dialect.rename) {
    names = renamed(names);
  } else {
    TRY(check_names(path, names));
  }
  return names;
}

/// How many values the first row has with this delimiter, if others have as many; 0 where it
/// cannot be the one. Of rows that may be skipped half may be wrong.
std::int64_t values_with(char delimiter, std::string_view text, bool final,
                         const CsvDialect& dialect) {
  CsvDialect tried = dialect;
  tried.delimiter = delimiter;
  const CsvRows rows(tried);
  std::int64_t values = 0;
  int seen = 0;
  int wrong = 0;
  for (std::size_t at = 0; at < text.size() && seen < sampled_rows_max;) {
    const auto row = rows.next(text, at, final);
    if (!row) break;
    at = row->end;
    if (row->kind != CsvRow::Kind::values) continue;
    if (seen++ == 0) values = row->values;
    const bool other = dialect.short_rows ? row->values > values : row->values != values;
    if (row->fault != CsvRow::Fault::none || other) ++wrong;
  }
  return wrong == 0 || (dialect.skip_errors && wrong * 2 < seen) ? values : 0;
}

}  // namespace

arrow::csv::ParseOptions parse_options(const CsvDialect& dialect, std::size_t columns) {
  auto options = arrow::csv::ParseOptions::Defaults();
  options.delimiter = dialect.delimiter;
  options.quoting = dialect.quote != 0;
  if (options.quoting) options.quote_char = dialect.quote;
  options.newlines_in_values = options.quoting && dialect.quoted_line_breaks;
  options.ignore_empty_lines = columns != 1;
  options.pad_short_rows = dialect.short_rows;
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

Result<std::unique_ptr<TextBlocks>> open_csv(FileSystem& files, const std::string& path,
                                             const TextOptions& options,
                                             const CsvDialect& dialect) {
  TextOptions all = options;
  all.encoding = dialect.encoding;
  const auto rows = std::make_shared<CsvRows>(dialect);
  return TextBlocks::open(files, path, all, [rows](std::string_view text) -> Result<std::int64_t> {
    return rows->last_end(text);
  });
}

Result<CsvDialect> with_delimiter(FileSystem& files, const std::string& path,
                                  const CsvDialect& dialect) {
  if (dialect.delimiter != 0) return dialect;
  const auto blocks = TRY(TextBlocks::open(
      files, path, {.encoding = dialect.encoding, .skip_lines = dialect.skip_lines},
      last_line_end));
  const TextBlock block = TRY(blocks->next());
  CsvDialect found = dialect;
  found.delimiter = ',';
  std::int64_t values = 1;
  bool one_column = true;
  for (const char candidate : {',', '\t', ';', '|'}) {
    const std::int64_t with = values_with(candidate, block.text, block.last, dialect);
    if (with != 1) one_column = false;
    if (with <= values) continue;
    values = with;
    found.delimiter = candidate;
  }
  if (values > 1 || one_column || block.text.empty()) return found;
  return head_error(
      path,
      "the delimiter cannot be told: none of , tab ; | gives all rows the same "
      "number of values",
      "say what it is with 'delimiter'; 'skip_rows' and 'comment' leave lines out, and "
      "'quote: \"\"' says that quotes mean nothing");
}

Result<CsvHead> open_head(FileSystem& files, const std::string& path, const CsvDialect& dialect) {
  CsvHead head;
  head.blocks = TRY(open_csv(files, path, {.skip_lines = dialect.skip_lines}, dialect));
  head.first = head.blocks->begin();
  const CsvRows rows(dialect);
  do {
    head.block = TRY(head.blocks->next());
    for (head.taken = 0; head.taken < head.block.text.size();) {
      const auto row = rows.next(head.block.text, head.taken, true);
      if (row->kind == CsvRow::Kind::values) {
        if (row->fault != CsvRow::Fault::none) {
          const std::int64_t line =
              head.block.line + line_breaks(head.block.text.substr(0, row->begin));
          return quote_error(fmt::format("'{}', line {}: ", path, line), *row, head.block.text);
        }
        head.names = TRY(names_of(path, *row, head.block.text, dialect));
        if (dialect.header) head.taken = row->end;
        head.first += dialect.encoding.bytes_in_file(head.block.text.substr(0, head.taken));
        return head;
      }
      head.taken = row->end;
    }
    head.first += dialect.encoding.bytes_in_file(head.block.text);
  } while (!head.block.last);
  return head;
}

Error quote_error(const std::string& where, const CsvRow& row, std::string_view text) {
  const char* what = row.fault == CsvRow::Fault::open_quote
                         ? "a quote is opened and not closed"
                         : "text follows the closing quote of a value";
  Error error = make_error(ErrorCode::invalid_argument, "{}{}: {}", where, what,
                           shown_row(text.substr(row.begin, row.end - row.begin)));
  error.hint =
      "double a quote that belongs to a quoted value; if quotes mean nothing here, say 'quote: "
      "\"\"'";
  return error;
}

std::string shown_row(std::string_view text) {
  constexpr std::size_t shown_bytes_max = 60;
  while (text.ends_with('\n') || text.ends_with('\r')) text.remove_suffix(1);
  std::size_t end = std::min(text.size(), shown_bytes_max);
  while (end > 0 && end < text.size() && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) {
    --end;
  }
  std::string shown(text.substr(0, end));
  // Messages are UTF-8, whatever the file is.
  if (!is_utf8(shown)) {
    std::replace_if(
        shown.begin(), shown.end(), [](char byte) { return (byte & 0x80) != 0; }, '?');
  }
  return end < text.size() ? shown + "..." : shown;
}

}  // namespace troupe
