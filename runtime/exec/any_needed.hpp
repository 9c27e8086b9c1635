#pragma once

#include "runtime/operator/needed_values.hpp"

#include <vector>

namespace troupe {

/// What one of several readers of the same rows needs, where each has said so: of a column that all
/// of them tell of, the values that one of them needs. Nothing is left out for more readers than
/// `readers_max`: a value would be asked for by each.
NeededValues any_needed(const std::vector<NeededValues>& readers);

inline constexpr std::size_t readers_max = 8;

}  // namespace troupe
