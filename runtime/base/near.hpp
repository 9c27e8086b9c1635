#pragma once

#include "runtime/base/result.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace troupe {

/// The candidate that `word` most likely meant, or "" where none is near: at most a third of its
/// letters (at least one) inserted, left out, changed or swapped with its neighbour; letter case
/// does not count as a change. Of equally near ones the first.
std::string nearest(std::string_view word, const std::vector<std::string>& candidates);

/// "did you mean 'carrier'?" for `Error::hint`, or "" where no candidate is near.
std::string did_you_mean(std::string_view word, const std::vector<std::string>& candidates);

/// `name` is none of `columns`, as the message says in its place; the hint says what was meant.
Error unknown_column(std::string message, std::string_view name,
                     const std::vector<std::string>& columns);

}  // namespace troupe
