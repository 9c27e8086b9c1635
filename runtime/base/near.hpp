#pragma once

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

}  // namespace troupe
