#include "runtime/formats/csv_rows.hpp"

namespace troupe {
namespace {

bool breaks_line(char byte) { return byte == '\n' || byte == '\r'; }

}  // namespace

CsvRows::CsvRows(const CsvDialect& dialect)
    : delimiter_(dialect.delimiter),
      quote_(dialect.quote),
      quoted_line_breaks_(dialect.quoted_line_breaks),
      comment_(dialect.comment) {
  for (const char stop : {dialect.delimiter, '\n', '\r'}) {
    stops_[static_cast<unsigned char>(stop)] = true;
  }
}

/// After the next line break.
std::optional<std::size_t> CsvRows::line_end(std::string_view text, std::size_t at,
                                             bool final) const {
  const std::size_t found = text.find_first_of("\r\n", at);
  if (found == std::string_view::npos) return final ? std::optional(text.size()) : std::nullopt;
  const bool two = text.substr(found, 2) == "\r\n";
  return found + (two ? 2 : 1);
}

/// Where the value in quotes ends that begins at `at`.
std::optional<std::size_t> CsvRows::quoted_end(std::string_view text, std::size_t at, bool final,
                                               CsvRow::Fault& fault) const {
  for (std::size_t from = at + 1;; from += 2) {
    const std::size_t quote = text.find(quote_, from);
    const bool found = quote != std::string_view::npos;
    if (!found && !final) return std::nullopt;
    const bool broken = !quoted_line_breaks_ &&
                        text.substr(at, quote - at).find_first_of("\r\n") != std::string_view::npos;
    if (!found || broken) {
      fault = CsvRow::Fault::open_quote;
      return text.size();
    }
    if (quote + 1 == text.size()) return final ? std::optional(text.size()) : std::nullopt;
    from = quote;
    if (text[quote + 1] == quote_) continue;
    if (!stops(text[quote + 1])) fault = CsvRow::Fault::after_quote;
    return quote + 1;
  }
}

/// The position of the delimiter or line break after a value; the end of the text only if that is
/// final.
std::optional<std::size_t> CsvRows::value_end(std::string_view text, std::size_t at, bool final,
                                              CsvRow::Fault& fault) const {
  if (quote_ != 0 && at < text.size() && text[at] == quote_) {
    return quoted_end(text, at, final, fault);
  }
  while (at < text.size() && !stops(text[at])) ++at;
  if (at == text.size() && !final) return std::nullopt;
  return at;
}

std::optional<CsvRow> CsvRows::next(std::string_view text, std::size_t at, bool final) const {
  CsvRow row{.begin = at};
  if (!comment_.empty() && text.substr(at).starts_with(comment_)) row.kind = CsvRow::Kind::comment;
  if (breaks_line(text[at])) row.kind = CsvRow::Kind::blank;
  const auto line = [&]() -> std::optional<CsvRow> {
    const auto end = line_end(text, row.begin, final);
    if (!end) return std::nullopt;
    row.end = *end;
    return row;
  };
  if (row.kind != CsvRow::Kind::values) return line();
  while (true) {
    const auto end = value_end(text, at, final, row.fault);
    if (!end) return std::nullopt;
    row.values += 1;
    if (row.fault != CsvRow::Fault::none) return line();
    at = *end;
    if (at == text.size() || text[at] != delimiter_) break;
    ++at;
  }
  const auto end = line_end(text, at, final);
  if (!end) return std::nullopt;
  row.end = *end;
  return row;
}

std::int64_t CsvRows::last_end(std::string_view text) const {
  const bool quotes =
      quote_ != 0 && quoted_line_breaks_ && text.find(quote_) != std::string_view::npos;
  if (!quotes) {
    const std::size_t found = text.find_last_of("\r\n");
    return found == std::string_view::npos ? -1 : static_cast<std::int64_t>(found) + 1;
  }
  std::size_t at = 0;
  while (at < text.size()) {
    const auto row = next(text, at, false);
    if (!row) break;
    at = row->end;
  }
  return at == 0 ? -1 : static_cast<std::int64_t>(at);
}

std::optional<CsvRow> CsvRows::first_fault(std::string_view text) const {
  if (quote_ == 0 || text.find(quote_) == std::string_view::npos) return std::nullopt;
  for (std::size_t at = 0; at < text.size();) {
    const auto row = next(text, at, true);
    if (row->fault != CsvRow::Fault::none) return row;
    at = row->end;
  }
  return std::nullopt;
}

}  // namespace troupe
