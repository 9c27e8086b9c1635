#include "runtime/formats/json_parse.hpp"

#include <array>
#include <cstring>

namespace troupe {
namespace {

enum class Sign : std::uint8_t { other, blank, opening, closing, quote };

constexpr std::array<Sign, 256> signs() {
  std::array<Sign, 256> table{};
  for (const unsigned char c : {' ', '\t', '\r', '\n'}) table[c] = Sign::blank;
  for (const unsigned char c : {'{', '['}) table[c] = Sign::opening;
  for (const unsigned char c : {'}', ']'}) table[c] = Sign::closing;
  table[static_cast<unsigned char>('"')] = Sign::quote;
  return table;
}
constexpr std::array<Sign, 256> sign_of = signs();

/// The position after the string that begins at `at`, or the end of the text.
std::size_t after_string(std::string_view text, std::size_t at) {
  for (++at; (at = text.find('"', at)) != std::string_view::npos; ++at) {
    std::size_t escapes = 0;
    while (text[at - 1 - escapes] == '\\') ++escapes;
    if (escapes % 2 == 0) return at + 1;
  }
  return text.size();
}

arrow::Status in_row(const char* what, std::int64_t row) {
  return arrow::Status::Invalid("JSON parse error: ", what, " in row ", row);
}

}  // namespace

arrow::Status check_json_rows(std::string_view text) {
  std::int64_t row = 0;
  int depth = 0;
  for (std::size_t at = 0; at < text.size();) {
    const Sign sign = sign_of[static_cast<unsigned char>(text[at])];
    if (depth == 0 && sign != Sign::blank && text[at] != '{') {
      return in_row("this is no object", row);
    }
    if (sign == Sign::quote) {
      at = after_string(text, at);
      continue;
    }
    if (sign == Sign::opening && ++depth > json_depth_max) {
      return in_row("objects and lists are nested too deeply", row);
    }
    if (sign == Sign::closing && --depth == 0) ++row;
    ++at;
  }
  return arrow::Status::OK();
}

std::size_t json_row_begin(std::string_view text, std::int64_t row) {
  int depth = 0;
  for (std::size_t at = 0; at < text.size();) {
    const Sign sign = sign_of[static_cast<unsigned char>(text[at])];
    if (depth == 0 && sign != Sign::blank && row-- == 0) return at;
    if (sign == Sign::quote) {
      at = after_string(text, at);
      continue;
    }
    if (sign == Sign::opening) ++depth;
    if (sign == Sign::closing) --depth;
    ++at;
  }
  return text.size();
}

}  // namespace troupe
