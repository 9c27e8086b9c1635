#pragma once

#include "runtime/formats/csv_file.hpp"

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace troupe {

/// One row of CSV as it stands in a text.
struct CsvRow {
  enum class Kind { values, blank, comment };
  enum class Fault {
    none,
    after_quote,  ///< text follows the quote that closes a value
    open_quote,   ///< a quote is opened and not closed
  };
  Kind kind = Kind::values;
  Fault fault = Fault::none;
  std::size_t begin = 0;
  std::size_t end = 0;  ///< after its line break. Where quotes are wrong, after its first line
  std::int64_t values = 0;
};

/// Finds the rows of a text by the rules of a dialect, and what is wrong with their quotes: Arrow's
/// parser takes any. Stateless; the text begins with a row.
class CsvRows {
 public:
  explicit CsvRows(const CsvDialect& dialect);

  /// The row that begins at `at`, before the end of the text. `nullopt` where it may go on after
  /// the text; with `final` there is no more.
  std::optional<CsvRow> next(std::string_view text, std::size_t at, bool final) const;
  /// The position after the last whole row, or -1.
  std::int64_t last_end(std::string_view text) const;
  /// The first row whose quotes are wrong; looks only where there are quotes.
  std::optional<CsvRow> first_fault(std::string_view text) const;

 private:
  bool stops(char byte) const { return stops_[static_cast<unsigned char>(byte)]; }
  std::optional<std::size_t> line_end(std::string_view text, std::size_t at, bool final) const;
  std::optional<std::size_t> value_end(std::string_view text, std::size_t at, bool final,
                                       CsvRow::Fault& fault) const;
  std::optional<std::size_t> quoted_end(std::string_view text, std::size_t at, bool final,
                                        CsvRow::Fault& fault) const;

  const char delimiter_;
  const char quote_;
  const bool quoted_line_breaks_;
  const std::string comment_;
  std::array<bool, 256> stops_{};
};

}  // namespace troupe
