#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace troupe {

/// Where a row of a `RowStore` is, until it is moved by `compact`.
struct RowPlace {
  std::uint32_t piece = none_piece;
  std::uint32_t row = 0;

  static constexpr std::uint32_t none_piece = 0xFFFFFFFFu;
  explicit operator bool() const { return piece != none_piece; }
  friend bool operator==(const RowPlace&, const RowPlace&) = default;
};

/// From the hash of a key to the place of a row. It does not know keys: who asks says which of the
/// rows of equal hashes is meant.
///
/// It grows in pieces (extendible hashing): a segment that is full becomes two, and what is copied
/// then is one segment, whatever the size of the table. Its directory of pointers doubles now and
/// then: 8 bytes for some 500 rows. So the longest pause is tens of microseconds where a table that
/// is hashed anew as a whole stands still for 200 ms. It does not shrink.
class RowIndex {
 public:
  RowIndex() : directory_{new_segment(0)} {}
  RowIndex(const RowIndex&) = delete;
  RowIndex& operator=(const RowIndex&) = delete;

  std::size_t size() const { return size_; }
  std::int64_t bytes() const {
    return slots_ * static_cast<std::int64_t>(sizeof(Slot)) +
           static_cast<std::int64_t>(directory_.size() * sizeof(directory_[0]));
  }

  void prefetch(std::uint64_t hash) const {
    const Segment& segment = of(hash);
    __builtin_prefetch(&segment.slots[start(segment, hash)]);
  }

  /// The row of this hash for which `same(place)`; none where there is none. The pointer is good
  /// until the next `add` or `erase`; what it leads to may be another row of that key.
  template <class Same>
  RowPlace* find(std::uint64_t hash, const Same& same) {
    Segment& segment = of(hash);
    const std::size_t mask = segment.slots.size() - 1;
    for (std::size_t at = start(segment, hash); segment.slots[at].place; at = (at + 1) & mask) {
      Slot& slot = segment.slots[at];
      if (slot.hash == hash && same(slot.place)) return &slot.place;
    }
    return nullptr;
  }

  /// A row whose key is not there.
  void add(std::uint64_t hash, RowPlace place) {
    while (of(hash).used + 1 > of(hash).slots.size() / 4 * 3) make_room(hash);
    insert(of(hash), {hash, place});
    ++size_;
  }

  /// The slot that `find` has found. Those behind it move up, so no mark of it stays.
  void erase(std::uint64_t hash, const RowPlace* found) {
    Segment& segment = of(hash);
    const std::size_t mask = segment.slots.size() - 1;
    std::size_t hole = start(segment, hash);
    while (&segment.slots[hole].place != found) hole = (hole + 1) & mask;
    for (std::size_t at = (hole + 1) & mask; segment.slots[at].place; at = (at + 1) & mask) {
      const std::size_t home = start(segment, segment.slots[at].hash);
      if (((at - home) & mask) < ((at - hole) & mask)) continue;
      segment.slots[hole] = segment.slots[at];
      hole = at;
    }
    segment.slots[hole] = {};
    --segment.used;
    --size_;
  }

  /// Slots that one `add` copies at most, where nobody has chosen keys of one hash.
  static constexpr std::size_t segment_slots = 1024;

 private:
  struct Slot {
    std::uint64_t hash = 0;
    RowPlace place = {};
  };
  struct Segment {
    std::vector<Slot> slots;  ///< a power of two, at most three quarters full
    std::size_t used = 0;
    int depth = 0;  ///< so many low bits are equal in all its hashes
  };
  /// Entries of the directory for each segment at most. Hashes do not need so many; where somebody
  /// has chosen keys whose hashes are equal, their segment grows instead.
  static constexpr std::size_t entries_per_segment_max = 16;

  Segment* new_segment(int depth) {
    segments_.push_back(std::make_unique<Segment>());
    segments_.back()->depth = depth;
    resize(*segments_.back(), segment_slots);
    return segments_.back().get();
  }
  /// Empty, with so many slots.
  void resize(Segment& segment, std::size_t slots) {
    slots_ += static_cast<std::int64_t>(slots) - static_cast<std::int64_t>(segment.slots.size());
    segment.slots.assign(slots, Slot());
    segment.used = 0;
  }
  Segment& of(std::uint64_t hash) const { return *directory_[hash & (directory_.size() - 1)]; }
  /// Not the low bits, which tell the segment, nor the high ones, which tell the key group.
  static std::size_t start(const Segment& segment, std::uint64_t hash) {
    return (hash >> 28) & (segment.slots.size() - 1);
  }
  static void insert(Segment& segment, Slot slot) {
    const std::size_t mask = segment.slots.size() - 1;
    std::size_t at = start(segment, slot.hash);
    while (segment.slots[at].place) at = (at + 1) & mask;
    segment.slots[at] = slot;
    ++segment.used;
  }

  bool can_split(const Segment& segment) const {
    const bool doubles = (std::size_t{1} << segment.depth) == directory_.size();
    return !doubles || directory_.size() < segments_.size() * entries_per_segment_max;
  }
  void make_room(std::uint64_t hash) {
    Segment& full = of(hash);
    const bool splits = can_split(full);
    const std::vector<Slot> slots = full.slots;
    resize(full, slots.size() * (splits ? 1 : 2));
    if (splits) split(full, hash);
    for (const Slot& slot : slots) {
      if (slot.place) insert(of(slot.hash), slot);
    }
  }
  /// Half of what may be in the segment belongs to a new one from here on.
  void split(Segment& low, std::uint64_t hash) {
    if ((std::size_t{1} << low.depth) == directory_.size()) {
      directory_.reserve(directory_.size() * 2);
      directory_.insert(directory_.end(), directory_.begin(), directory_.end());
    }
    const std::uint64_t bit = std::uint64_t{1} << low.depth++;
    Segment* high = new_segment(low.depth);
    resize(*high, low.slots.size());
    for (std::size_t i = (hash & (bit - 1)) | bit; i < directory_.size(); i += 2 * bit) {
      directory_[i] = high;
    }
  }

  std::vector<std::unique_ptr<Segment>> segments_;
  std::vector<Segment*> directory_;  ///< a power of two, by the low bits
  std::int64_t slots_ = 0;
  std::size_t size_ = 0;
};

}  // namespace troupe
