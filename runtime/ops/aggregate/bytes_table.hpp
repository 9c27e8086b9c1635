#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace troupe {

/// Numbers distinct byte strings in the order of their first sight, so that keys with strings
/// become keys of fixed width: a string is looked at once, where it comes in.
class BytesTable {
 public:
  BytesTable();

  std::uint32_t find_or_add(std::string_view bytes);

  std::uint32_t size() const { return static_cast<std::uint32_t>(ends_.size()); }
  std::string_view operator[](std::uint32_t id) const {
    const std::size_t begin = id == 0 ? 0 : ends_[id - 1];
    return {arena_.data() + begin, ends_[id] - begin};
  }
  /// In use; the spare room of a vector is not touched.
  std::int64_t bytes() const {
    return static_cast<std::int64_t>(arena_.size() + ends_.size() * 8 +
                                     slots_.size() * sizeof(Slot));
  }

 private:
  struct Slot {
    std::uint32_t id_plus_1 = 0;  ///< 0: free
    std::uint32_t tag = 0;
  };
  void grow();

  std::vector<Slot> slots_;  ///< a power of two; at most half full
  std::vector<char> arena_;
  std::vector<std::size_t> ends_;
};

}  // namespace troupe
