#pragma once

#include <cstdint>
#include <span>

namespace troupe {

/// Decodes the small numbers of Parquet's hybrid of runs and packed bits, which the pages of a
/// dictionary-encoded column consist of: their indices.
///
/// The library has such a decoder, too. This one can pass over values, and take single ones out of
/// packed bits without looking at the others, which is what is left to do where a filter has
/// dropped most rows. Whatever the bytes, it reads nothing outside of them; where they end early it
/// gives fewer values.
class IndexDecoder {
 public:
  /// The bytes begin with the width of a value in bits; false where that is more than 32. They
  /// outlive the decoding.
  bool begin(const std::uint8_t* data, std::int64_t bytes);
  int width() const { return width_; }

  /// The next `count` values; returns how many there were.
  std::int64_t read(std::int64_t count, std::int32_t* out);
  /// Of the next `count` values those at `places` (ascending, counted from the next one) minus
  /// `before`; the others are passed over. False where there are fewer values than that.
  bool pick(std::int64_t count, std::span<const std::uint32_t> places, std::uint32_t before,
            std::int32_t* out);
  bool skip(std::int64_t count) { return pick(count, {}, 0, nullptr); }

 private:
  bool next_run();
  std::int32_t packed_value(std::int64_t index) const;
  void unpack(std::int64_t count, std::int32_t* out);
  void pass(std::int64_t count) {
    run_left_ -= count;
    packed_at_ += count;
  }

  const std::uint8_t* at_ = nullptr;
  const std::uint8_t* end_ = nullptr;
  int width_ = 0;
  std::int64_t run_left_ = 0;
  const std::uint8_t* packed_ = nullptr;  ///< null in a run of one value
  std::int64_t packed_at_ = 0;            ///< values of the packed run that have been passed
  std::int32_t value_ = 0;                ///< of a run
};

}  // namespace troupe
