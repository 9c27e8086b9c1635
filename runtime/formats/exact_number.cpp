#include "runtime/formats/exact_number.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace troupe {
namespace {

std::string_view without_sign(std::string_view text) {
  if (text.starts_with('-') || text.starts_with('+')) text.remove_prefix(1);
  return text;
}

/// The shortest digits that mean this double, and how many zeros follow them: 1.5e+03 is 15, 2.
std::string digits_of(double value) {
  char text[64];
  const auto end = std::to_chars(text, text + sizeof text, value, std::chars_format::scientific);
  const std::string_view all(text, static_cast<std::size_t>(end.ptr - text));
  const std::size_t power = all.find('e');
  if (power == std::string_view::npos) return {};
  std::string digits(all.substr(0, power));
  digits.erase(std::remove(digits.begin(), digits.end(), '.'), digits.end());
  const bool plus = all[power + 1] == '+';
  std::size_t length = 0;
  std::from_chars(all.data() + power + (plus ? 2 : 1), end.ptr, length);
  ++length;
  if (length > digits.size()) digits.append(length - digits.size(), '0');
  return digits;
}

}  // namespace

bool is_integer(std::string_view text) {
  const std::string_view digits = without_sign(text);
  return !digits.empty() && digits.find_first_not_of("0123456789") == std::string_view::npos;
}

bool loses_digits(std::string_view number) {
  constexpr std::size_t always_held = 15;
  if (number.size() <= always_held || !is_integer(number)) return false;
  std::string_view digits = without_sign(number);
  digits.remove_prefix(std::min(digits.find_first_not_of('0'), digits.size()));
  if (digits.size() <= always_held) return false;
  double value = 0;
  const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  return read.ec != std::errc() || digits_of(value) != digits;
}

std::string inexact_message(const std::string& column, std::string_view value) {
  return fmt::format("column '{}': '{}' is no double precision without a loss of digits", column,
                     value);
}

std::string inexact_hint(const std::string& column) {
  return fmt::format(
      "declare the column, such as types: {{\"{}\": \"numeric(38,2)\"}} or text; double precision "
      "rounds it",
      column);
}

}  // namespace troupe
