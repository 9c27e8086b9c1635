#include "runtime/values/text_scanner.hpp"

#include "runtime/values/text.hpp"

#include <charconv>
#include <cmath>

namespace troupe {

namespace {

constexpr std::string_view spaces = " \t\n\r\f\v";

bool is_digit(char letter) { return letter >= '0' && letter <= '9'; }
bool is_letter(char letter) {
  return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z');
}

}  // namespace

std::string_view trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(spaces);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(spaces) - begin + 1);
}

std::string lower_ascii(std::string_view text) {
  std::string result(text);
  for (char& letter : result) {
    if (letter >= 'A' && letter <= 'Z') letter = static_cast<char>(letter - 'A' + 'a');
  }
  return result;
}

Error invalid_text(const char* type, std::string_view text) {
  constexpr std::size_t shown_max = 100;
  const std::string_view shown = text_slice(text, 0, shown_max);
  return make_error(ErrorCode::invalid_argument, "invalid input syntax for type {}: \"{}{}\"", type,
                    shown, shown.size() < text.size() ? "..." : "");
}

void TextScanner::skip_spaces() {
  while (!rest_.empty() && spaces.find(rest_.front()) != std::string_view::npos) {
    rest_.remove_prefix(1);
  }
}

bool TextScanner::accept(std::string_view any_of) {
  if (rest_.empty() || any_of.find(rest_.front()) == std::string_view::npos) return false;
  rest_.remove_prefix(1);
  return true;
}

std::optional<std::int64_t> TextScanner::number(int least, int most) {
  std::int64_t value = 0;
  int count = 0;
  while (count < most && static_cast<std::size_t>(count) < rest_.size() &&
         is_digit(rest_[static_cast<std::size_t>(count)])) {
    value = value * 10 + (rest_[static_cast<std::size_t>(count)] - '0');
    ++count;
  }
  if (count < least) return std::nullopt;
  rest_.remove_prefix(static_cast<std::size_t>(count));
  return value;
}

std::int64_t TextScanner::fraction_micros() {
  constexpr int places = 6;
  std::string digits = "0.";
  for (; is_digit(peek()); rest_.remove_prefix(1)) digits += peek();
  if (digits.size() > 2 + places) {
    double seconds = 0;
    std::from_chars(digits.data(), digits.data() + digits.size(), seconds);
    return static_cast<std::int64_t>(std::rint(seconds * 1e6));
  }
  digits.resize(2 + places, '0');
  std::int64_t micros = 0;
  std::from_chars(digits.data() + 2, digits.data() + digits.size(), micros);
  return micros;
}

std::string_view TextScanner::word() {
  std::size_t size = 0;
  while (size < rest_.size() && is_letter(rest_[size])) ++size;
  const std::string_view found = rest_.substr(0, size);
  rest_.remove_prefix(size);
  return found;
}

}  // namespace troupe
