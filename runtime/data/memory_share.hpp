#pragma once

#include "runtime/data/memory_budget.hpp"

#include <algorithm>
#include <cstdint>

namespace troupe {

/// Of a run's limit operators may reserve three quarters. Rows are on their way in the rest: in
/// channels, readers and writers, each of which holds at most a `MemoryShare`.
inline constexpr std::int64_t reservable(std::int64_t limit) { return limit - limit / 4; }

/// What one queue or buffer of a run may hold: a part of what can be reserved, and of plenty no
/// more than is of use.
struct MemoryShare {
  std::int64_t parts = 1;
  std::int64_t least = 0;
  std::int64_t most = 0;

  /// Null: without a limit.
  std::int64_t of(const MemoryBudget* memory) const {
    return memory == nullptr ? most : std::clamp(memory->bytes_max() / parts, least, most);
  }
};

}  // namespace troupe
