#pragma once

#include "runtime/base/result.hpp"
#include "runtime/operator/batch_reader.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace arrow {
class Array;
}

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

/// Row groups as a reader gives them, one after the other.
struct GroupRows {
  int group = 0;
  std::int64_t rows = 0;
};

/// The same batches, with their texts, times and decimals checked: the first one that is wrong is
/// told with file, row group, row and column. For formats whose decoders take values on trust.
std::unique_ptr<BatchReader> with_values_checked(const std::string& path,
                                                 std::vector<GroupRows> groups,
                                                 std::unique_ptr<BatchReader> batches);

}  // namespace troupe
