#pragma once

#include "runtime/base/result.hpp"
#include "runtime/expr/vector.hpp"

#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace troupe {

/// A format of to_char() for moments, made ready: "YYYY-MM-DD HH24:MI:SS". Text in double quotes
/// and what is no pattern stands for itself; a pattern of PostgreSQL that is not known here is an
/// error, never text.
class TimeFormat {
 public:
  static Result<TimeFormat> parse(std::string_view format);

  std::string write(Moment moment) const;

 private:
  struct Field {
    int pattern = 0;    ///< index into the table of patterns
    bool bare = false;  ///< FM: no padding
  };

  std::vector<std::variant<std::string, Field>> parts_;
};

}  // namespace troupe
