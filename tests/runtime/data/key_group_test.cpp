// Key groups: every group has exactly one owner, owners hold contiguous ranges of even size.
#include "runtime/data/key_group.hpp"

#include "tests/support/catch.hpp"

#include <map>

using namespace troupe;

TEST_CASE("key groups are owned evenly and in order") {
  for (std::uint32_t parallelism : {1u, 2u, 3u, 7u, 1024u}) {
    std::map<std::uint32_t, int> owned;
    std::uint32_t last = 0;
    for (std::uint32_t group = 0; group < key_groups_default; ++group) {
      const auto owner = owner_of(static_cast<KeyGroup>(group), parallelism);
      CHECK(owner >= last);
      last = owner;
      ++owned[owner];
    }
    CHECK(owned.size() == parallelism);
    for (const auto& [owner, count] : owned) {
      CHECK(count >= static_cast<int>(key_groups_default / parallelism));
      CHECK(count <= static_cast<int>(key_groups_default / parallelism) + 1);
    }
  }
}

TEST_CASE("a key hash always falls into a group") {
  CHECK(key_group_of(0) == 0);
  CHECK(key_group_of(~std::uint64_t{0}) == key_groups_default - 1);
}
