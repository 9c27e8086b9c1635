#pragma once

#include <string>
#include <string_view>

namespace troupe {

/// True for an integer that a double cannot give back: "9007199254740993" becomes ...992, and two
/// ids become one. Fractions and powers of ten are what doubles are for, whatever their digits.
bool loses_digits(std::string_view number);

/// True for what is an integer by its letters: a sign or none, and digits.
bool is_integer(std::string_view text);

/// What is wrong with such a value of a column, and what to do.
std::string inexact_message(const std::string& column, std::string_view value);
std::string inexact_hint(const std::string& column);

}  // namespace troupe
