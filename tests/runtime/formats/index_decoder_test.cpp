// Runs and packed bits of every width give the numbers that were packed, in any pieces, wherever
// the bytes end; values that are passed over cost none of the others.
#include "runtime/formats/index_decoder.hpp"

#include "runtime/os/random.hpp"
#include "tests/support/catch.hpp"

#include <algorithm>
#include <memory>
#include <vector>

using namespace troupe;

namespace {

struct Packed {
  std::vector<std::uint8_t> bytes;
  std::vector<std::int32_t> values;
};

void add_number(std::vector<std::uint8_t>& bytes, std::uint64_t number) {
  for (; number >= 0x80; number >>= 7) bytes.push_back(static_cast<std::uint8_t>(number | 0x80));
  bytes.push_back(static_cast<std::uint8_t>(number));
}

void add_run(Packed& packed, int width, std::uint32_t value, std::uint64_t count) {
  add_number(packed.bytes, count << 1);
  for (int i = 0; i < (width + 7) / 8; ++i) {
    packed.bytes.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
  }
  packed.values.insert(packed.values.end(), count, static_cast<std::int32_t>(value));
}

void add_packed(Packed& packed, int width, std::uint64_t groups, Random& random,
                std::uint64_t mask) {
  add_number(packed.bytes, groups << 1 | 1);
  const std::size_t begin = packed.bytes.size();
  packed.bytes.resize(begin + groups * static_cast<std::size_t>(width));
  for (std::uint64_t i = 0; i < groups * 8; ++i) {
    const std::uint64_t value = random.next() & mask;
    packed.values.push_back(static_cast<std::int32_t>(value));
    for (int bit = 0; bit < width; ++bit) {
      const std::uint64_t place =
          i * static_cast<std::uint64_t>(width) + static_cast<std::uint64_t>(bit);
      const auto one = static_cast<std::uint8_t>((value >> bit & 1) << (place % 8));
      packed.bytes[begin + place / 8] |= one;
    }
  }
}

Packed random_runs(int width, Random& random) {
  Packed packed;
  packed.bytes.push_back(static_cast<std::uint8_t>(width));
  const std::uint64_t mask = (std::uint64_t{1} << width) - 1;
  for (std::uint64_t runs = 1 + random.below(6); runs > 0; --runs) {
    if (random.below(2)) {
      add_run(packed, width, static_cast<std::uint32_t>(random.next() & mask), random.below(90));
    } else {
      add_packed(packed, width, random.below(12), random, mask);
    }
  }
  return packed;
}

}  // namespace

TEST_CASE("runs and packed values of every width come back, in pieces of any size") {
  for (std::uint64_t seed = 1; seed <= 400; ++seed) {
    Random random(seed);
    const int width = static_cast<int>(seed % 33);
    INFO("seed " << seed << ", width " << width);
    const Packed packed = random_runs(width, random);
    // Exactly as many bytes as there are, so that a checker of memory sees a read beyond them.
    const std::vector<std::uint8_t> bytes(packed.bytes);
    IndexDecoder decoder;
    REQUIRE(decoder.begin(bytes.data(), static_cast<std::int64_t>(bytes.size())));
    std::size_t at = 0;
    while (at < packed.values.size()) {
      const std::size_t left = packed.values.size() - at;
      const std::size_t count = std::min<std::size_t>(left, 1 + random.below(40));
      std::vector<std::uint32_t> places;
      for (std::size_t i = 0; i < count; ++i) {
        if (random.below(3) == 0) places.push_back(static_cast<std::uint32_t>(1000 + i));
      }
      std::vector<std::int32_t> found(count + 1, -7), expected(count + 1, -7);
      if (random.below(2)) {
        REQUIRE(decoder.read(static_cast<std::int64_t>(count), found.data()) ==
                static_cast<std::int64_t>(count));
        std::copy_n(packed.values.begin() + static_cast<std::ptrdiff_t>(at), count,
                    expected.begin());
      } else {
        REQUIRE(decoder.pick(static_cast<std::int64_t>(count), places, 1000, found.data()));
        for (std::size_t i = 0; i < places.size(); ++i) {
          expected[i] = packed.values[at + places[i] - 1000];
        }
      }
      REQUIRE(found == expected);
      at += count;
    }
    std::int32_t none = 0;
    CHECK(decoder.read(1, &none) == 0);
    CHECK_FALSE(decoder.skip(1));
  }
}

TEST_CASE("bytes that end anywhere give the values before their end") {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    Random random(seed);
    const Packed packed = random_runs(static_cast<int>(random.below(33)), random);
    for (std::size_t size = 0; size < packed.bytes.size(); ++size) {
      const auto bytes = std::make_unique<std::uint8_t[]>(size);
      std::copy_n(packed.bytes.begin(), size, bytes.get());
      IndexDecoder decoder;
      REQUIRE(decoder.begin(bytes.get(), static_cast<std::int64_t>(size)));
      std::vector<std::int32_t> found(packed.values.size());
      const auto count = decoder.read(static_cast<std::int64_t>(found.size()), found.data());
      REQUIRE(std::equal(found.begin(), found.begin() + count, packed.values.begin()));
    }
  }
}

TEST_CASE("values of more than 32 bits are refused, and so are lengths without an end") {
  const std::vector<std::uint8_t> wide = {33, 2, 0, 0, 0, 0, 0};
  IndexDecoder decoder;
  CHECK_FALSE(decoder.begin(wide.data(), static_cast<std::int64_t>(wide.size())));
  CHECK(decoder.width() == 33);
  const std::vector<std::uint8_t> endless = {1, 255, 255, 255, 255, 255, 255, 1};
  REQUIRE(decoder.begin(endless.data(), static_cast<std::int64_t>(endless.size())));
  std::int32_t value = 0;
  CHECK(decoder.read(1, &value) == 0);
}
