#include "runtime/descriptor/source_text.hpp"

#include <algorithm>
#include <utility>

namespace troupe {
namespace {

/// Every byte begins a character, except the later ones of a UTF-8 sequence.
int count_characters(std::string_view bytes) {
  return static_cast<int>(std::count_if(bytes.begin(), bytes.end(), [](char byte) {
    return (static_cast<unsigned char>(byte) & 0xC0) != 0x80;
  }));
}

}  // namespace

SourceText::SourceText(std::string file, std::string_view text) : file_(std::move(file)) {
  constexpr std::string_view mark = "\xEF\xBB\xBF";
  if (text.starts_with(mark)) text.remove_prefix(mark.size());
  text_ = text;
  line_starts_.push_back(0);
  for (std::size_t i = 0; i < text_.size(); ++i) {
    if (text_[i] == '\n') line_starts_.push_back(i + 1);
  }
}

Position SourceText::position(std::size_t offset) const {
  offset = std::min(offset, text_.size());
  const auto next = std::upper_bound(line_starts_.begin(), line_starts_.end(), offset);
  const auto number = static_cast<int>(next - line_starts_.begin());
  const std::size_t start = line_starts_[static_cast<std::size_t>(number - 1)];
  const std::string_view before = std::string_view(text_).substr(start, offset - start);
  return {number, count_characters(before) + 1};
}

std::string_view SourceText::line(int number) const {
  const std::size_t start = line_starts_.at(static_cast<std::size_t>(number - 1));
  std::string_view rest = std::string_view(text_).substr(start);
  rest = rest.substr(0, rest.find('\n'));
  if (rest.ends_with('\r')) rest.remove_suffix(1);
  return rest;
}

int SourceText::characters(std::size_t offset, std::size_t end) const {
  offset = std::min(offset, text_.size());
  end = std::clamp(end, offset, text_.size());
  std::string_view part = std::string_view(text_).substr(offset, end - offset);
  return count_characters(part.substr(0, part.find_first_of("\r\n")));
}

}  // namespace troupe
