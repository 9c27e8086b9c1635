#pragma once

#include "runtime/base/result.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace troupe {

/// The candidate that `word` most likely meant, or "" if none is near. Near means: at most a third
/// of its letters (at least one) inserted, left out, changed or swapped with its neighbour; letter
/// case does not count. Of equally near candidates the first.
std::string nearest(std::string_view word, const std::vector<std::string>& candidates);

/// "did you mean 'carrier'?" for `Error::hint`, or "" if no candidate is near.
std::string did_you_mean(std::string_view word, const std::vector<std::string>& candidates);

/// The error for a `name` that is none of `columns`; the hint says which one was probably meant.
Error unknown_column(std::string message, std::string_view name,
                     const std::vector<std::string>& columns);

}  // namespace troupe
