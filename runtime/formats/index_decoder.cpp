#include "runtime/formats/index_decoder.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

namespace troupe {
namespace {

constexpr int width_max = 32;

std::uint64_t load(const std::uint8_t* from) {
  std::uint64_t bits = 0;
  std::memcpy(&bits, from, sizeof bits);
  return bits;
}

constexpr std::uint64_t mask_of(int width) { return (std::uint64_t{1} << width) - 1; }

/// Eight values of `width` bits: every place is known when this is compiled.
template <int width, std::size_t... i>
void unpack_eight(const std::uint8_t* from, std::int32_t* out, std::index_sequence<i...>) {
  ((out[i] = static_cast<std::int32_t>((load(from + i * width / 8) >> (i * width % 8)) &
                                       mask_of(width))),
   ...);
}

template <int width>
void unpack_groups(const std::uint8_t* from, std::int64_t groups, std::int32_t* out) {
  for (std::int64_t group = 0; group < groups; ++group) {
    unpack_eight<width>(from + group * width, out + group * 8, std::make_index_sequence<8>());
  }
}

using Unpack = void (*)(const std::uint8_t*, std::int64_t, std::int32_t*);

template <int... width>
constexpr std::array<Unpack, sizeof...(width)> unpackers(std::integer_sequence<int, width...>) {
  return {unpack_groups<width>...};
}
constexpr auto unpack_by_width = unpackers(std::make_integer_sequence<int, width_max + 1>());

}  // namespace

bool IndexDecoder::begin(const std::uint8_t* data, std::int64_t bytes) {
  at_ = data;
  end_ = data + bytes;
  run_left_ = 0;
  width_ = bytes > 0 ? *at_++ : 0;
  return width_ <= width_max;
}

/// False at the end of the bytes, or where they make no run.
bool IndexDecoder::next_run() {
  while (run_left_ == 0) {
    std::uint64_t header = 0;
    for (int shift = 0;; shift += 7) {
      if (at_ == end_ || shift > 28) return false;
      const std::uint8_t byte = *at_++;
      header |= std::uint64_t{byte & 0x7Fu} << shift;
      if ((byte & 0x80u) == 0) break;
    }
    const std::int64_t left = end_ - at_;
    if ((header & 1) != 0) {
      // Writers may leave out the padding of the last eight.
      const auto groups = static_cast<std::int64_t>(header >> 1);
      const std::int64_t bytes = std::min(groups * width_, left);
      run_left_ = width_ == 0 ? groups * 8 : bytes * 8 / width_;
      packed_ = at_;
      packed_at_ = 0;
      at_ += bytes;
    } else {
      const std::int64_t bytes = (width_ + 7) / 8;
      if (bytes > left) return false;
      std::uint32_t value = 0;
      std::memcpy(&value, at_, static_cast<std::size_t>(bytes));
      at_ += bytes;
      value_ = static_cast<std::int32_t>(value);
      run_left_ = static_cast<std::int64_t>(header >> 1);
      packed_ = nullptr;
    }
  }
  return true;
}

std::int32_t IndexDecoder::packed_value(std::int64_t index) const {
  const std::int64_t bit = index * width_;
  const std::uint8_t* from = packed_ + bit / 8;
  std::uint64_t bits = 0;
  if (end_ - from >= 8) {
    bits = load(from);
  } else {
    std::memcpy(&bits, from, static_cast<std::size_t>(end_ - from));
  }
  return static_cast<std::int32_t>((bits >> (bit % 8)) & mask_of(width_));
}

void IndexDecoder::unpack(std::int64_t count, std::int32_t* out) {
  std::int64_t done = 0;
  const auto singly = [&](std::int64_t until) {
    for (; done < until; ++done) out[done] = packed_value(packed_at_ + done);
  };
  singly(std::min(count, (8 - packed_at_ % 8) % 8));
  // Eight values are read in words that may reach over their end, but not over that of the bytes.
  const std::uint8_t* from = packed_ + (packed_at_ + done) / 8 * width_;
  const std::int64_t safe =
      width_ == 0 ? count : std::max<std::int64_t>(0, (end_ - from - 8) / width_);
  const std::int64_t groups = std::min((count - done) / 8, safe);
  if (groups > 0 && width_ > 0) {
    unpack_by_width[static_cast<std::size_t>(width_)](from, groups, out + done);
    done += groups * 8;
  }
  singly(count);
}

std::int64_t IndexDecoder::read(std::int64_t count, std::int32_t* out) {
  std::int64_t done = 0;
  while (done < count && next_run()) {
    const std::int64_t part = std::min(run_left_, count - done);
    if (packed_ != nullptr) {
      unpack(part, out + done);
    } else {
      std::fill_n(out + done, part, value_);
    }
    pass(part);
    done += part;
  }
  return done;
}

bool IndexDecoder::pick(std::int64_t count, std::span<const std::uint32_t> places,
                        std::uint32_t before, std::int32_t* out) {
  std::int64_t passed = 0;
  auto place = places.begin();
  while (passed < count) {
    if (!next_run()) return false;
    const std::int64_t part = std::min(run_left_, count - passed);
    const std::int64_t first = packed_at_ - passed;
    for (; place != places.end() && *place - before < passed + part; ++place) {
      *out++ = packed_ != nullptr ? packed_value(first + (*place - before)) : value_;
    }
    pass(part);
    passed += part;
  }
  return true;
}

}  // namespace troupe
