#pragma once

#include "runtime/base/result.hpp"
#include "runtime/values/vector.hpp"

#include <array>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace troupe {

/// The names that formats write and read.
inline constexpr std::array<const char*, 12> month_names = {
    "January", "February", "March",     "April",   "May",      "June",
    "July",    "August",   "September", "October", "November", "December"};

/// A parsed format of to_char() and to_timestamp() for moments: "YYYY-MM-DD HH24:MI:SS". Text in
/// double quotes, a T, and characters that are no letters stand for themselves. A pattern of
/// PostgreSQL that is not known here is an error, never text.
class TimeFormat {
 public:
  static Result<TimeFormat> parse(std::string_view format);

  std::string write(Moment moment) const;

  /// Checks that every pattern can be read, and that one of them gives the year.
  Result<> check_readable() const;
  /// Reads like to_timestamp(): any separator stands for any other, spaces are skipped, and text
  /// after the last pattern is ignored.
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
