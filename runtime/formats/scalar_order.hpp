#pragma once

#include <optional>

namespace arrow {
struct Scalar;
}

namespace troupe {

/// -1, 0 or 1 as `a` is less than, equal to or greater than `b`, by value and not by type: an int32
/// 5 equals an int64 5 and a decimal 5.00, a date is its midnight. None where they do not compare
/// (text with a number, a zoned time with a local one, null, NaN): whoever asks then knows nothing.
std::optional<int> scalar_order(const arrow::Scalar& a, const arrow::Scalar& b);

}  // namespace troupe
