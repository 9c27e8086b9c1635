#pragma once

#include "runtime/operator/needed_values.hpp"

#include <memory>
#include <vector>

namespace arrow {
class Array;
}

namespace troupe {

/// Which values of the probe side's key columns have a partner on the build side, for keys that are
/// whole numbers, dates or timestamps: those between the smallest and the largest, and of them,
/// where they are not too far apart, exactly those that are there, else those that a Bloom filter
/// lets pass. `left` are the key columns of the probe side, `keys` all keys of the build side; rows
/// of it with a null in any key have no partner, and are asked for nonetheless.
NeededValues needed_keys(const std::vector<int>& left,
                         const std::vector<std::shared_ptr<arrow::Array>>& keys);

}  // namespace troupe
