#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace troupe {

/// A place in a file, as people count: from 1, columns in characters (code points), not bytes.
struct Position {
  int line = 1;
  int column = 1;

  friend bool operator==(const Position&, const Position&) = default;
};

/// The text of a file and the begins of its lines; offsets are bytes. Must outlive its users.
class SourceText {
 public:
  /// Drops a byte-order mark.
  SourceText(std::string file, std::string_view text);

  const std::string& file() const { return file_; }
  const std::string& text() const { return text_; }
  Position position(std::size_t offset) const;
  /// The line without its line break.
  std::string_view line(int number) const;
  /// Characters from `offset` to `end`, or to the end of the line of `offset`.
  int characters(std::size_t offset, std::size_t end) const;

 private:
  std::string file_;
  std::string text_;
  std::vector<std::size_t> line_starts_;
};

}  // namespace troupe
