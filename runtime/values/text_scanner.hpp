#pragma once

#include "runtime/base/result.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace troupe {

std::string_view trimmed(std::string_view text);
std::string lower_ascii(std::string_view text);
/// "invalid input syntax for type date: \"tomorrow\""
Error invalid_text(const char* type, std::string_view text);

/// Reads the parts of a date, a time or an interval from left to right.
class TextScanner {
 public:
  explicit TextScanner(std::string_view text) : rest_(text) {}

  bool at_end() const { return rest_.empty(); }
  char peek() const { return rest_.empty() ? '\0' : rest_.front(); }
  void skip_spaces();
  /// Takes the next character if it is one of `any_of`; false if not.
  bool accept(std::string_view any_of);
  /// Takes at most `most` digits as a number; nothing if there are fewer than `least`.
  std::optional<std::int64_t> number(int least, int most);
  /// Takes the digits behind a point, which was taken before, as microseconds. More than six digits
  /// are rounded as in PostgreSQL, by way of a double: a half goes to the even neighbour.
  std::int64_t fraction_micros();
  std::string_view word();

 private:
  std::string_view rest_;
};

}  // namespace troupe
