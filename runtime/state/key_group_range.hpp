#pragma once

#include "runtime/base/fields.hpp"
#include "runtime/data/key_group.hpp"

#include <algorithm>
#include <cstdint>
#include <tuple>

namespace troupe {

/// Key groups [begin, end): what a subtask owns, a block holds, a file is read for.
struct KeyGroupRange {
  std::uint32_t begin = 0;
  std::uint32_t end = 0;

  static constexpr auto fields() {
    return std::tuple{field("begin", &KeyGroupRange::begin), field("end", &KeyGroupRange::end)};
  }

  bool empty() const { return begin >= end; }
  bool contains(KeyGroup group) const { return begin <= group && group < end; }
  bool contains(const KeyGroupRange& other) const {
    return other.empty() || (begin <= other.begin && other.end <= end);
  }
  KeyGroupRange common(const KeyGroupRange& other) const {
    return {std::max(begin, other.begin), std::min(end, other.end)};
  }

  friend bool operator==(const KeyGroupRange&, const KeyGroupRange&) = default;
};

/// All groups of a job.
inline KeyGroupRange all_key_groups(std::uint32_t groups = key_groups_default) {
  return {0, groups};
}

/// What `owner_of` gives to one subtask; empty for some where there are more subtasks than groups.
inline KeyGroupRange owned_key_groups(std::uint32_t subtask, std::uint32_t parallelism,
                                      std::uint32_t groups = key_groups_default) {
  ENSURE(subtask < parallelism, "subtask {} of {}", subtask, parallelism);
  const auto first = [&](std::uint64_t owner) {
    return static_cast<std::uint32_t>((owner * groups + parallelism - 1) / parallelism);
  };
  return {first(subtask), first(std::uint64_t{subtask} + 1)};
}

}  // namespace troupe
