#pragma once

#include "runtime/base/result.hpp"
#include "runtime/values/vector.hpp"

#include <array>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace troupe {

/// As formats write and read them.
inline constexpr std::array<const char*, 12> month_names = {
    "January", "February", "March",     "April",   "May",      "June",
    "July",    "August",   "September", "October", "November", "December"};

/// A format of to_char() and to_timestamp() for moments, made ready: "YYYY-MM-DD HH24:MI:SS". Text
/// in double quotes and what is no pattern stands for itself; a pattern of PostgreSQL that is not
/// known here is an error, never text.
class TimeFormat {
 public:
  static Result<TimeFormat> parse(std::string_view format);

  std::string write(Moment moment) const;

  /// Whether every pattern can be read, and they say at least the year.
  Result<> check_readable() const;
  /// As to_timestamp(): separators and spaces count little, what follows the last pattern nothing.
  Result<Moment> read(std::string_view text) const;

 private:
  struct Field {
    int pattern = 0;    ///< index into the table of patterns
    bool bare = false;  ///< FM: no padding
  };
  static std::string_view text_of(const Field& field);

  std::vector<std::variant<std::string, Field>> parts_;
};

}  // namespace troupe
