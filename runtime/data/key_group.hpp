#pragma once

#include "runtime/base/ensure.hpp"

#include <cstdint>

namespace troupe {

/// The unit of partitioning and of rescaling: rows of one key are always in one key group, whatever
/// the parallelism. A job has `key_groups_default` of them unless it says otherwise, for its life.
using KeyGroup = std::uint16_t;

inline constexpr std::uint32_t key_groups_default = 1024;
/// Written into plans and manifests: the hash is xxh3_64 over the canonical bytes of the key.
inline constexpr const char* key_hash_name = "xxh3_64";

inline KeyGroup key_group_of(std::uint64_t key_hash, std::uint32_t groups = key_groups_default) {
  return static_cast<KeyGroup>((static_cast<unsigned __int128>(key_hash) * groups) >> 64);
}

/// The subtask that owns a key group: contiguous ranges, as even as can be.
inline std::uint32_t owner_of(KeyGroup group, std::uint32_t parallelism,
                              std::uint32_t groups = key_groups_default) {
  ENSURE(parallelism > 0, "a stage without subtasks owns no key group");
  return static_cast<std::uint32_t>(std::uint64_t{group} * parallelism / groups);
}

}  // namespace troupe
