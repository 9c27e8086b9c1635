#include "runtime/ops/join/needed_keys.hpp"

#include "runtime/data/stored_number.hpp"

#include <arrow/array.h>
#include <arrow/type.h>

#include <algorithm>
#include <bit>
#include <limits>
#include <type_traits>

namespace troupe {
namespace {

/// A bit for each number of a range up to so large: 4 MiB.
constexpr std::uint64_t exact_range_max = std::uint64_t{1} << 25;
/// Of a Bloom filter, as powers of two: 16 to 32 bits a key, at most 4 MiB.
constexpr int bloom_bits_a_key = 4;
constexpr int bloom_bits_min = 6;
constexpr int bloom_bits_max = 25;

/// The numbers of a build side: between two, and marked in a table of bits.
class KeyNumbers final : public ValueTest {
 public:
  KeyNumbers(std::int64_t low, std::int64_t high, std::int64_t keys)
      : low_(static_cast<std::uint64_t>(low)),
        reach_(static_cast<std::uint64_t>(high) - static_cast<std::uint64_t>(low)),
        exact_(reach_ < exact_range_max) {
    const int bits = static_cast<int>(std::bit_width(static_cast<std::uint64_t>(keys)));
    shift_ = 64 - std::clamp(bits + bloom_bits_a_key, bloom_bits_min, bloom_bits_max);
    marks_.resize(exact_ ? reach_ / 64 + 1 : (std::size_t{1} << (64 - shift_)) / 64);
  }

  void add(std::int64_t value) {
    const std::uint64_t distance = static_cast<std::uint64_t>(value) - low_;
    if (exact_) {
      marks_[distance / 64] |= std::uint64_t{1} << (distance % 64);
    } else {
      const std::uint64_t hash = mixed(distance);
      marks_[word_of(hash)] |= bits_of(hash);
    }
  }

  void narrow(std::span<const std::int64_t> values, std::uint8_t* keep) const override {
    exact_ ? narrow_by<true>(values, keep) : narrow_by<false>(values, keep);
  }

 private:
  static std::uint64_t mixed(std::uint64_t value) {
    value *= 0x9E3779B97F4A7C15u;
    value ^= value >> 32;
    return value * 0xD6E8FEB86659FD93u;
  }
  std::size_t word_of(std::uint64_t hash) const { return (hash >> shift_) / 64; }
  /// Two bits of the word that the high bits of the hash choose.
  static std::uint64_t bits_of(std::uint64_t hash) {
    return std::uint64_t{1} << (hash % 64) | std::uint64_t{1} << (hash / 64 % 64);
  }

  template <bool exact>
  void narrow_by(std::span<const std::int64_t> values, std::uint8_t* keep) const {
    const std::uint64_t* marks = marks_.data();
    for (std::size_t i = 0; i < values.size(); ++i) {
      const std::uint64_t distance = static_cast<std::uint64_t>(values[i]) - low_;
      const bool inside = distance <= reach_;
      bool there = false;
      if constexpr (exact) {
        const std::uint64_t place = inside ? distance : 0;
        there = (marks[place / 64] >> (place % 64) & 1) != 0;
      } else {
        const std::uint64_t hash = mixed(distance);
        there = (~marks[word_of(hash)] & bits_of(hash)) == 0;
      }
      keep[i] &= inside && there ? 1 : 0;
    }
  }

  const std::uint64_t low_;
  const std::uint64_t reach_;
  const bool exact_;
  int shift_ = 58;
  std::vector<std::uint64_t> marks_;
};

/// Calls `see` for each value that is not null.
template <class Value, class See>
void each(const arrow::Array& array, See&& see) {
  const auto* values = array.data()->GetValues<Value>(1);
  const bool nulls = array.null_count() > 0;
  for (std::int64_t i = 0; i < array.length(); ++i) {
    if (!nulls || array.IsValid(i)) see(static_cast<std::int64_t>(values[i]));
  }
}

template <class Value>
std::shared_ptr<const ValueTest> test_of(const arrow::Array& keys) {
  std::int64_t low = std::numeric_limits<std::int64_t>::max();
  std::int64_t high = std::numeric_limits<std::int64_t>::min();
  each<Value>(keys, [&](std::int64_t value) {
    low = std::min(low, value);
    high = std::max(high, value);
  });
  if (low > high) low = high = 0;
  auto test = std::make_shared<KeyNumbers>(low, high, keys.length());
  each<Value>(keys, [&](std::int64_t value) { test->add(value); });
  return test;
}

bool is_whole(const arrow::DataType& type) {
  return arrow::is_signed_integer(type.id()) || type.id() == arrow::Type::DATE32 ||
         type.id() == arrow::Type::TIMESTAMP;
}

}  // namespace

NeededValues needed_keys(const std::vector<int>& left,
                         const std::vector<std::shared_ptr<arrow::Array>>& keys) {
  NeededValues needed;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (!is_whole(*keys[i]->type())) continue;
    visit_stored_number(keys[i]->type_id(), [&]<class Value>(Value) {
      if constexpr (std::is_integral_v<Value> && std::is_signed_v<Value>) {
        needed.push_back({left[i], test_of<Value>(*keys[i])});
      }
    });
  }
  return needed;
}

}  // namespace troupe
