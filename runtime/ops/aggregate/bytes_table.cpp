#include "runtime/ops/aggregate/bytes_table.hpp"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace troupe {

namespace {
constexpr std::size_t slots_min = 64;
}

BytesTable::BytesTable() : slots_(slots_min) {}

std::uint32_t BytesTable::find_or_add(std::string_view bytes) {
  const std::uint64_t hash = XXH3_64bits(bytes.data(), bytes.size());
  const auto tag = static_cast<std::uint32_t>(hash >> 32);
  const std::size_t mask = slots_.size() - 1;
  std::size_t at = hash & mask;
  for (; slots_[at].id_plus_1 != 0; at = (at + 1) & mask) {
    if (slots_[at].tag == tag && (*this)[slots_[at].id_plus_1 - 1] == bytes) {
      return slots_[at].id_plus_1 - 1;
    }
  }
  arena_.insert(arena_.end(), bytes.begin(), bytes.end());
  ends_.push_back(arena_.size());
  slots_[at] = {size(), tag};
  if (size() * 2 >= slots_.size()) grow();
  return size() - 1;
}

void BytesTable::grow() {
  slots_.assign(slots_.size() * 4, Slot{});
  const std::size_t mask = slots_.size() - 1;
  for (std::uint32_t id = 0; id < size(); ++id) {
    const std::string_view bytes = (*this)[id];
    const std::uint64_t hash = XXH3_64bits(bytes.data(), bytes.size());
    std::size_t at = hash & mask;
    while (slots_[at].id_plus_1 != 0) at = (at + 1) & mask;
    slots_[at] = {id + 1, static_cast<std::uint32_t>(hash >> 32)};
  }
}

}  // namespace troupe
