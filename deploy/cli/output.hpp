#pragma once

#include "runtime/base/json_fwd.hpp"
#include "runtime/base/result.hpp"

#include <fmt/format.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace troupe {

enum class OutputFormat { table, wide, json, jsonl, yaml, name, csv };

Result<OutputFormat> parse_output_format(std::string_view word);

/// Rows for people or for programs: one declaration of columns serves every format.
struct TextTable {
  /// The readers that see a column: all; programs, and people with `-o wide`; people; programs.
  enum class Audience { all, wide, people, programs };
  struct Column {
    std::string title;   ///< "RUN"; its lower case is the key for programs
    bool right = false;  ///< numbers
    Audience audience = Audience::all;
  };
  /// The text for people; and for programs, if theirs is another: plain numbers, seconds.
  struct Cell {
    Cell(std::string all) : text(std::move(all)), plain(text) {}
    Cell(const char* all) : Cell(std::string(all)) {}
    Cell(std::string people, std::string programs)
        : text(std::move(people)), plain(std::move(programs)) {}
    static Cell count(std::int64_t number);
    static Cell seconds(double seconds);

    std::string text, plain;
  };
  std::vector<Column> columns;
  std::vector<std::vector<Cell>> rows;
  bool titles_are_keys = false;  ///< for data: each title itself is the key
};

/// The width of a text on a terminal: characters, not bytes.
std::size_t width_of(std::string_view text);

/// The table as text of this format; for `json` an array of objects whose values are text.
std::string render(const TextTable& table, OutputFormat format);

/// Standard output carries data, standard error carries talk. With `-o json` standard output has
/// only JSON: the answer, or `{"error": {...}}` if there is none; that object is on standard error,
/// too. Colour only on a terminal.
class Output {
 public:
  Output(OutputFormat format, bool colour_out, bool colour_talk, bool quiet)
      : format_(format), colour_out_(colour_out), colour_talk_(colour_talk), quiet_(quiet) {}

  OutputFormat format() const { return format_; }
  bool json() const { return format_ == OutputFormat::json || format_ == OutputFormat::jsonl; }
  bool colour() const { return colour_out_; }
  bool quiet() const { return quiet_; }

  /// Writes data as it is.
  void write(std::string_view text) const;
  void line(std::string_view text) const;
  /// Writes one object: indented for `json`, one line for `jsonl`, like YAML for `yaml`.
  void object(const Json& value) const;
  /// Writes a list in the output format. `items` are the objects behind the rows, if they hold more
  /// than the rows show.
  void table(const TextTable& table, const Json* items = nullptr) const;

  /// Tells what a verb without an answer has done: as talk, and for programs as an object.
  void changed(std::string_view text, const Json& value) const;

  /// Talk: progress, warnings, hints. Silent with --quiet.
  void say(std::string_view text) const;
  /// "error: ..." with its hint, or an object.
  void error(const Error& error) const;
  void warning(std::string_view text) const;
  /// A line on standard error that the next one overwrites, on a terminal only.
  void progress(std::string_view text) const;

 private:
  OutputFormat format_;
  bool colour_out_;
  bool colour_talk_;
  bool quiet_;
  mutable bool wrote_ = false;
};

/// "1,234,567".
std::string with_thousands(std::int64_t number);
/// "12 ms", "3.4 s", "2 m 05 s".
std::string human_duration(double seconds);
/// "1.2 MiB".
std::string human_bytes(std::int64_t bytes);

}  // namespace troupe
