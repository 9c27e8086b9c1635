#pragma once

#include "runtime/base/ensure.hpp"

#include <bit>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

namespace troupe {

/// Numbers distinct keys of a fixed number of 64-bit words in the order of their first sight.
///
/// A table of ours where Abseil would do, because this is the hot path of every group-by
/// (aggregation inside a batch: 207 M rows/s against 77 with Abseil): a batch of keys is hashed
/// first and its slots are fetched ahead; slots hold a tag of the hash beside the id, so that keys
/// are compared once a lookup; keys stand densely in the order of their ids.
class WordsTable {
 public:
  explicit WordsTable(std::size_t words) : words_(words), slots_(slots_min) {}

  /// ids[i] for the key at keys[i * words]. May be called with any number of rows.
  void find_or_add(std::span<const std::uint64_t> keys, std::span<std::uint32_t> ids) {
    if (words_ == 1) return find_or_add_all<1>(keys, ids);
    if (words_ == 2) return find_or_add_all<2>(keys, ids);
    find_or_add_all<0>(keys, ids);
  }
  std::uint32_t find_or_add(const std::uint64_t* key) {
    std::uint32_t id = 0;
    find_or_add({key, words_}, {&id, 1});
    return id;
  }

  std::uint32_t size() const { return size_; }
  const std::uint64_t* key(std::uint32_t id) const { return keys_.data() + id * words_; }
  /// In use; the spare room of a vector is not touched.
  std::int64_t bytes() const {
    return static_cast<std::int64_t>(keys_.size() * 8 + slots_.size() * sizeof(Slot));
  }

 private:
  struct Slot {
    std::uint32_t id_plus_1 = 0;  ///< 0: free
    std::uint32_t tag = 0;        ///< the high half of the hash; its first bits are the place
  };
  static constexpr std::size_t slots_max = std::size_t{1} << 32;  ///< as many as a tag can tell
  static constexpr std::size_t slots_min = 1024;
  static constexpr std::size_t slots_large = 1 << 18;  ///< 2 MiB: from here on space matters
  static constexpr std::size_t rows_at_once = 256;
  static constexpr std::size_t rows_ahead = 12;

  /// Not the durable hash: it never leaves the process and has to be quick.
  template <std::size_t Words>
  std::uint64_t hash(const std::uint64_t* key) const {
    const std::size_t count = Words ? Words : words_;
    std::uint64_t hash = 0x9E3779B97F4A7C15u;
    for (std::size_t i = 0; i < count; ++i) {
      const auto product = static_cast<unsigned __int128>(key[i] ^ hash) * 0xD6E8FEB86659FD93u;
      hash = static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
    }
    return hash * 0x9E3779B97F4A7C15u;
  }

  template <std::size_t Words>
  bool same(const std::uint64_t* a, const std::uint64_t* b) const {
    if constexpr (Words == 1) return a[0] == b[0];
    if constexpr (Words == 2) return ((a[0] ^ b[0]) | (a[1] ^ b[1])) == 0;
    return std::memcmp(a, b, words_ * 8) == 0;
  }

  template <std::size_t Words>
  void find_or_add_all(std::span<const std::uint64_t> keys, std::span<std::uint32_t> ids) {
    std::uint64_t hashes[rows_at_once];
    for (std::size_t begin = 0; begin < ids.size(); begin += rows_at_once) {
      const std::size_t rows = std::min(rows_at_once, ids.size() - begin);
      while (size_ + rows > slots_.size() / 2) grow();
      const std::uint64_t* first = keys.data() + begin * words_;
      for (std::size_t i = 0; i < rows; ++i) hashes[i] = hash<Words>(first + i * words_);
      for (std::size_t i = 0; i < rows; ++i) {
        if (i + rows_ahead < rows) __builtin_prefetch(&slots_[hashes[i + rows_ahead] >> shift_]);
        const std::uint64_t* key = first + i * words_;
        // Rows of a file often lie by key; where they do not, this branch is foreseen.
        const bool again = i > 0 && same<Words>(key, key - words_);
        ids[begin + i] = again ? ids[begin + i - 1] : lookup<Words>(key, hashes[i]);
      }
    }
  }

  template <std::size_t Words>
  std::uint32_t lookup(const std::uint64_t* key, std::uint64_t hash) {
    const auto tag = static_cast<std::uint32_t>(hash >> 32);
    const std::size_t mask = slots_.size() - 1;
    for (std::size_t at = hash >> shift_;; at = (at + 1) & mask) {
      Slot& slot = slots_[at];
      if (slot.id_plus_1 == 0) {
        if constexpr (Words == 1) {
          keys_.push_back(*key);
        } else {
          keys_.insert(keys_.end(), key, key + words_);
        }
        slot = {++size_, tag};
        return size_ - 1;
      }
      if (slot.tag == tag && same<Words>(key, this->key(slot.id_plus_1 - 1))) {
        return slot.id_plus_1 - 1;
      }
    }
  }

  /// A slot knows its place in any table, and its neighbours are neighbours there: so slots go over
  /// in their order, and no key is looked at.
  void grow() {
    const std::size_t more = slots_.size() * (slots_.size() < slots_large ? 4 : 2);
    ENSURE(more <= slots_max, "a table of {} keys", size_);
    std::vector<Slot> wider(more);
    shift_ = 64 - std::countr_zero(more);
    const std::size_t mask = more - 1;
    for (const Slot& slot : slots_) {
      if (slot.id_plus_1 == 0) continue;
      std::size_t at = slot.tag >> (shift_ - 32);
      while (wider[at].id_plus_1 != 0) at = (at + 1) & mask;
      wider[at] = slot;
    }
    slots_ = std::move(wider);
  }

  std::size_t words_;
  int shift_ = 64 - std::countr_zero(slots_min);
  std::vector<Slot> slots_;  ///< a power of two; at most half full
  std::vector<std::uint64_t> keys_;
  std::uint32_t size_ = 0;
};

}  // namespace troupe
