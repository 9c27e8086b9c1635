#include "runtime/formats/text_blocks.hpp"

#include "runtime/data/arrow_result.hpp"
#include "runtime/formats/damage.hpp"
#include "runtime/formats/input_file.hpp"

#include <arrow/buffer.h>
#include <arrow/io/compressed.h>
#include <arrow/io/interfaces.h>
#include <arrow/util/compression.h>

#include <algorithm>
#include <cstring>
#include <map>

namespace troupe {
namespace {

constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";

const std::map<std::string, arrow::Compression::type>& codecs() {
  static const std::map<std::string, arrow::Compression::type> by_ending = {
      {".gz", arrow::Compression::GZIP},
      {".zst", arrow::Compression::ZSTD},
      {".bz2", arrow::Compression::BZ2}};
  return by_ending;
}

std::string ending(const std::string& path) {
  const std::size_t dot = path.rfind('.');
  return dot == std::string::npos ? "" : path.substr(dot);
}

Result<std::string> read_at(arrow::io::RandomAccessFile& file, std::int64_t offset,
                            std::int64_t bytes) {
  const auto buffer = TRY(arrow_try(file.ReadAt(offset, bytes)));
  return buffer->ToString();
}

/// Where the rows of a range begin that starts at `offset`: after the first line break from the
/// byte before it on.
Result<std::int64_t> row_start(arrow::io::RandomAccessFile& file, std::int64_t offset,
                               std::int64_t size) {
  if (offset <= 0) return std::int64_t{0};
  constexpr std::int64_t step = 1 << 16;
  for (std::int64_t at = offset - 1; at < size; at += step) {
    const std::string bytes = TRY(read_at(file, at, step));
    const std::size_t found = bytes.find('\n');
    if (found != std::string::npos) return at + static_cast<std::int64_t>(found) + 1;
  }
  return size;
}

/// Calls `see` with the bytes of a file, in pieces, until it returns false.
template <class See>
Result<> scan(FileSystem& files, const std::string& path, std::int64_t bytes, See&& see) {
  constexpr std::int64_t step = 1 << 20;
  const auto file = TRY(open_input(files, path));
  for (std::int64_t at = 0; at < bytes; at += step) {
    const auto piece = TRY(arrow_try(file->ReadAt(at, std::min(step, bytes - at))));
    if (piece->size() == 0 || !see(std::string_view(*piece))) return {};
  }
  return {};
}

}  // namespace

bool is_compressed(const std::string& path) { return codecs().count(ending(path)) > 0; }

Result<std::int64_t> last_line_end(std::string_view text) {
  const std::size_t found = text.rfind('\n');
  return found == std::string_view::npos ? -1 : static_cast<std::int64_t>(found) + 1;
}

std::int64_t line_breaks(std::string_view text) {
  std::int64_t breaks = std::count(text.begin(), text.end(), '\n');
  for (std::size_t at = text.find('\r'); at < text.size(); at = text.find('\r', at + 1)) {
    if (at + 1 == text.size() || text[at + 1] != '\n') ++breaks;
  }
  return breaks;
}

std::int64_t line_at(FileSystem& files, const std::string& path, std::int64_t offset) {
  std::int64_t line = 1;
  const auto all = scan(files, path, offset, [&](std::string_view bytes) {
    line += std::count(bytes.begin(), bytes.end(), '\n');
    return true;
  });
  static_cast<void>(all.ok());
  return line;
}

Result<bool> file_holds(FileSystem& files, const std::string& path, char byte) {
  bool found = false;
  TRY(scan(files, path, INT64_MAX, [&](std::string_view bytes) {
    found = bytes.find(byte) != std::string_view::npos;
    return !found;
  }));
  return found;
}

Result<std::unique_ptr<TextBlocks>> TextBlocks::open(FileSystem& files, const std::string& path,
                                                     const TextOptions& options,
                                                     LastRowEnd last_row_end) {
  const auto file = TRY(open_input(files, path));
  std::shared_ptr<arrow::io::InputStream> stream = file;
  std::int64_t begin = 0;
  std::int64_t left = INT64_MAX;
  if (is_compressed(path)) {
    auto codec = TRY(arrow_try(arrow::util::Codec::Create(codecs().at(ending(path)))));
    // The stream keeps no hold of its codec.
    const std::shared_ptr<arrow::util::Codec> kept = std::move(codec);
    const auto unpacked = TRY(arrow_try(arrow::io::CompressedInputStream::Make(kept.get(), file)));
    stream = std::shared_ptr<arrow::io::InputStream>(unpacked.get(), [unpacked, kept](auto*) {});
  } else {
    const std::int64_t size = TRY(arrow_try(file->GetSize()));
    const ByteRange& range = options.range;
    begin = std::max(options.first, TRY(row_start(*file, range.begin, size)));
    const std::int64_t end = range.end >= size ? size : TRY(row_start(*file, range.end, size));
    TRY(arrow_try(file->Seek(begin)));
    left = std::max<std::int64_t>(0, end - begin);
  }
  std::unique_ptr<TextBlocks> blocks(new TextBlocks(files, path, std::move(stream), begin, left,
                                                    options.encoding, std::move(last_row_end)));
  TRY(blocks->fill());
  if (begin == 0) TRY(blocks->pass_over_mark());
  TRY(blocks->pass_over_lines(options.skip_lines));
  return blocks;
}

TextBlocks::TextBlocks(FileSystem& files, std::string path,
                       std::shared_ptr<arrow::io::InputStream> stream, std::int64_t begin,
                       std::int64_t left, const TextEncoding& encoding, LastRowEnd last_row_end)
    : files_(files),
      path_(std::move(path)),
      stream_(std::move(stream)),
      encoding_(encoding),
      last_row_end_(std::move(last_row_end)),
      left_(left),
      opened_(begin),
      begin_(begin) {
  if (!encoding.is_utf8()) decoder_ = std::make_unique<TextDecoder>(encoding);
}

TextBlocks::~TextBlocks() = default;

Error TextBlocks::too_long() {
  Error error = make_error(ErrorCode::invalid_argument,
                           "'{}', line {}: here begins a row of more than {} MiB", path_,
                           line_in_file(), row_bytes_max >> 20);
  error.hint = "is a quote missing, or a line break?";
  return error;
}

std::int64_t TextBlocks::lines_before() {
  if (!lines_before_) lines_before_ = opened_ == 0 ? 0 : line_at(files_, path_, opened_) - 1;
  return *lines_before_;
}

/// Appends about a block to what is left; more where a row is so long that it is looked for again
/// and again.
Result<> TextBlocks::fill() {
  bytes_.erase(0, taken_);
  taken_ = 0;
  const auto wanted = static_cast<std::size_t>(std::min<std::int64_t>(
      left_, static_cast<std::int64_t>(std::max(block_bytes, bytes_.size()))));
  std::string& into = decoder_ ? raw_ : bytes_;
  if (decoder_) raw_.clear();
  const std::size_t before = into.size();
  into.resize(before + wanted);
  const auto read = stream_->Read(static_cast<std::int64_t>(wanted), into.data() + before);
  if (!read.ok()) {
    return reading_error(path_, fmt::format("after line {}", line_in_file()), read.status());
  }
  into.resize(before + static_cast<std::size_t>(*read));
  left_ -= *read;
  ended_ = *read == 0 || left_ == 0;
  return decoder_ ? decode(raw_) : Result<>();
}

Result<> TextBlocks::decode(std::string_view bytes) {
  auto decoded = decoder_->decode(bytes, bytes_);
  if (decoded && ended_) decoded = decoder_->finish();
  if (decoded) return {};
  Error error = make_error(ErrorCode::invalid_argument, "'{}', line {}: {}", path_,
                           line_ + line_breaks(bytes_), decoded.error().message);
  error.hint = "say what the file is written in with 'encoding'";
  return error;
}

Result<> TextBlocks::pass_over_mark() {
  if (bytes_.starts_with(byte_order_mark)) {
    taken_ = byte_order_mark.size();
    begin_ = static_cast<std::int64_t>(byte_order_mark.size());
  }
  const bool wide = bytes_.starts_with("\xFF\xFE") || bytes_.starts_with("\xFE\xFF");
  if (decoder_ || !wide) return {};
  Error error = make_error(ErrorCode::invalid_argument,
                           "'{}' begins with the byte order mark of UTF-16", path_);
  error.hint = "say 'encoding: utf-16'";
  return error;
}

Result<> TextBlocks::pass_over_lines(std::int64_t lines) {
  for (std::int64_t passed = 0; passed < lines;) {
    const std::string_view text = std::string_view(bytes_).substr(taken_);
    std::size_t end = text.find_first_of("\r\n");
    // Of "\r\n" at the end of what is here, the second half may be still to come.
    const bool whole = end != std::string_view::npos && (ended_ || end + 1 < text.size());
    if (!whole && !ended_) {
      if (text.size() > row_bytes_max) return too_long();
      TRY(fill());
      continue;
    }
    end = whole ? end + (text.substr(end, 2) == "\r\n" ? 2 : 1) : text.size();
    taken_ += end;
    begin_ += encoding_.bytes_in_file(text.substr(0, end));
    line_ += 1;
    ++passed;
    if (!whole) break;
  }
  return {};
}

Result<TextBlock> TextBlocks::next() {
  while (true) {
    std::string_view text = std::string_view(bytes_).substr(taken_);
    if (ended_) {
      taken_ = bytes_.size();
      return TextBlock{text, line_, true};
    }
    // Of "\r\n" at the end of what is here, the second half may be still to come.
    if (text.ends_with('\r')) text.remove_suffix(1);
    const std::int64_t end = text.empty() ? -1 : TRY(last_row_end_(text));
    if (end > 0) {
      text = text.substr(0, static_cast<std::size_t>(end));
      const TextBlock block{text, line_, false};
      line_ += line_breaks(text);
      taken_ += text.size();
      return block;
    }
    if (text.size() > row_bytes_max) {
      return too_long();
    }
    TRY(fill());
  }
}

}  // namespace troupe
