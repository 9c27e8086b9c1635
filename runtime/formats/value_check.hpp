#pragma once

#include "runtime/base/result.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

namespace arrow {
class Array;
struct ArrayData;
}  // namespace arrow

namespace troupe {

// A decoder gives what the bytes say, and bytes can say what a type does not hold: a time of day of
// 25 hours, a decimal of more digits than its column has, a text that is no UTF-8. Operators,
// writers and other nodes take a value on trust, so readers look, once, before they hand it out.

/// A value that its type does not hold, and its row in the array.
struct BadValue {
  std::int64_t row = 0;
  std::string why;
};

/// The first time of day or decimal of `column` that is beyond its type, be it inside lists,
/// structs or maps; none where all are well. Texts: `utf8_check.hpp`.
std::optional<BadValue> first_bad_value(const arrow::Array& column);

/// Looks at the texts, times and decimals of the columns of a file, batch by batch.
class ValueChecks {
 public:
  explicit ValueChecks(std::string path) : path_(std::move(path)) {}

  /// The first value of the column that is wrong, told with file, place and column. `place(row)` is
  /// where a row of the array is: "row group 0, row 17". Where numbers are `proven` to be of their
  /// type nobody looks.
  Result<> check(const arrow::Array& array, const std::string& column, bool proven,
                 const std::function<std::string(std::int64_t row)>& place);

 private:
  bool known(const arrow::Array& array, const std::string& column);

  const std::string path_;
  /// Dictionaries that have been looked at, by column: the batches of a row group share one.
  std::map<std::string, std::shared_ptr<arrow::ArrayData>> checked_;
};

}  // namespace troupe
