// The index finds what was added and not erased, however it has grown, whatever the hashes: random
// operations beside a map, with hashes that differ everywhere, hardly, or only where it is not
// looked.
#include "runtime/state/row_index.hpp"

#include "runtime/os/random.hpp"
#include "tests/support/catch.hpp"

#include <map>
#include <vector>

using namespace troupe;

namespace {

/// Keys are numbers; `hash_of` makes their hashes. Rows are numbered anew with every add.
template <class Hash>
void play(std::uint64_t seed, std::uint32_t keys, int steps, const Hash& hash_of) {
  Random random(seed);
  RowIndex index;
  std::map<std::uint32_t, RowPlace> expected;
  std::vector<std::uint32_t> key_of_row;
  const auto find = [&](std::uint32_t key) {
    return index.find(hash_of(key), [&](RowPlace place) { return key_of_row[place.row] == key; });
  };
  for (int step = 0; step < steps; ++step) {
    const auto key = static_cast<std::uint32_t>(random.below(keys));
    RowPlace* found = find(key);
    const auto known = expected.find(key);
    REQUIRE((found != nullptr) == (known != expected.end()));
    if (found != nullptr) REQUIRE(*found == known->second);
    const RowPlace place{7, static_cast<std::uint32_t>(key_of_row.size())};
    key_of_row.push_back(key);
    if (found == nullptr) {
      index.add(hash_of(key), place);
      expected.emplace(key, place);
    } else if (random.chance(1, 2)) {
      *found = known->second = place;
    } else {
      index.erase(hash_of(key), found);
      expected.erase(known);
    }
    REQUIRE(index.size() == expected.size());
  }
  for (std::uint32_t key = 0; key < keys; ++key) {
    const auto known = expected.find(key);
    REQUIRE((find(key) != nullptr) == (known != expected.end()));
  }
}

std::uint64_t mix(std::uint64_t key) {
  const auto product = static_cast<unsigned __int128>(key + 1) * 0x9E3779B97F4A7C15u;
  return static_cast<std::uint64_t>(product) ^
         static_cast<std::uint64_t>(product >> 64) * 0xD6E8FEB86659FD93u;
}

}  // namespace

TEST_CASE("what was added is found until it is erased, whatever the hashes") {
  play(1, 100, 20'000, mix);
  play(2, 20'000, 60'000, mix);
  play(3, 1000, 5'000, [](std::uint64_t key) { return mix(key) << 40; });  // one segment for long
  play(4, 3000, 10'000, [](std::uint64_t key) { return mix(key) & 0xFFFFFF; });
  play(5, 300, 3'000, [](std::uint64_t) { return std::uint64_t{5}; });  // each looks at all others
}

TEST_CASE("keys that share a hash cost room, not correctness") {
  RowIndex index;
  const std::uint64_t hash = 0x123456789ABCDEFu;
  for (std::uint32_t row = 0; row < 3000; ++row) index.add(hash, {0, row});
  CHECK(index.size() == 3000);
  CHECK(index.bytes() < 200 * 1024);
  for (std::uint32_t row = 0; row < 3000; row += 100) {
    const RowPlace* found = index.find(hash, [&](RowPlace place) { return place.row == row; });
    REQUIRE(found != nullptr);
  }
}

TEST_CASE("an index takes some 30 bytes a key, and grows by a segment at a time") {
  RowIndex index;
  std::int64_t most_at_once = 0;
  for (std::uint32_t key = 0; key < 1'000'000; ++key) {
    const std::int64_t before = index.bytes();
    index.add(mix(key), {0, key});
    most_at_once = std::max(most_at_once, index.bytes() - before);
  }
  CHECK(index.bytes() / 1'000'000 < 36);
  // A segment, and the directory when it doubles.
  CHECK(most_at_once < 64 * 1024);
}
