#pragma once

#include "runtime/base/result.hpp"
#include "runtime/formats/text_decoder.hpp"
#include "runtime/os/file_system.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace arrow::io {
class InputStream;
}

namespace troupe {

/// Whole rows of a text file.
struct TextBlock {
  std::string_view text;  ///< valid until the next call
  std::int64_t line = 1;  ///< the number of its first line, counted from where the range begins
  bool last = false;      ///< the end of the file: the last row may lack its line break
};

/// A range of bytes in a file. Its rows are those that begin in it.
struct ByteRange {
  std::int64_t begin = 0;
  std::int64_t end = INT64_MAX;
};

/// What of a text file is read, and how its bytes become text.
struct TextOptions {
  ByteRange range = {};
  TextEncoding encoding = {};
  std::int64_t first = 0;       ///< no row begins before this byte of the file
  std::int64_t skip_lines = 0;  ///< of the file's begin, passed over; not with a range
};

/// Reads a text file, compressed or not, in blocks that end with a row. Memory is bounded by the
/// longest row.
class TextBlocks {
 public:
  /// How a row ends depends on the format: the position after the last whole row, or -1.
  using LastRowEnd = std::function<Result<std::int64_t>(std::string_view)>;

  static constexpr std::size_t block_bytes = 1 << 20;
  static constexpr std::size_t row_bytes_max = 64 << 20;

  /// `range` other than the whole file needs a file without compression, in an encoding that can
  /// be cut, whose rows are lines. A byte order mark is passed over.
  static Result<std::unique_ptr<TextBlocks>> open(FileSystem& files, const std::string& path,
                                                  const TextOptions& options,
                                                  LastRowEnd last_row_end);
  ~TextBlocks();

  /// An empty text at the end.
  Result<TextBlock> next();
  /// Where reading began in the file, of an encoding that can be cut: a byte order mark and skipped
  /// lines lie before.
  std::int64_t begin() const { return begin_; }
  /// Lines of the file before the one that blocks count as their first: 0 unless a range is read.
  /// Reads the file up to there.
  std::int64_t lines_before();

 private:
  TextBlocks(FileSystem& files, std::string path, std::shared_ptr<arrow::io::InputStream> stream,
             std::int64_t begin, std::int64_t left, const TextEncoding& encoding,
             LastRowEnd last_row_end);
  Result<> fill();
  Result<> decode(std::string_view bytes);
  Result<> pass_over_mark();
  Result<> pass_over_lines(std::int64_t lines);
  std::int64_t line_in_file() { return line_ + lines_before(); }
  Error too_long();

  FileSystem& files_;
  const std::string path_;
  const std::shared_ptr<arrow::io::InputStream> stream_;
  const TextEncoding encoding_;
  const LastRowEnd last_row_end_;
  std::unique_ptr<TextDecoder> decoder_;  ///< where the file is not UTF-8
  std::int64_t left_;                     ///< bytes of the range that have not been read
  const std::int64_t opened_;             ///< the byte of the file where reading was begun
  std::int64_t begin_;
  std::optional<std::int64_t> lines_before_;
  std::string raw_;  ///< before they are decoded
  std::string bytes_;
  std::size_t taken_ = 0;  ///< of `bytes_`, in blocks handed out
  std::int64_t line_ = 1;
  bool ended_ = false;
};

/// True where the name says that the file is compressed; such a file has no ranges.
bool is_compressed(const std::string& path);

/// The position after the last line break, or -1. A carriage return alone ends no line.
Result<std::int64_t> last_line_end(std::string_view text);

/// Line breaks in a text: "\n", "\r\n", or "\r" alone.
std::int64_t line_breaks(std::string_view text);

/// The line at which `offset` stands in the file, for messages. Reads the file up to there, or as
/// far as it can be read.
std::int64_t line_at(FileSystem& files, const std::string& path, std::int64_t offset);

/// Whether a byte occurs in the file. Reads it all.
Result<bool> file_holds(FileSystem& files, const std::string& path, char byte);

}  // namespace troupe
