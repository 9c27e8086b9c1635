#pragma once

#include <cstdint>

namespace troupe {

/// The door to chance. A simulation makes one from its seed; a node seeds it from the system. Not
/// for keys: those come from libsodium inside `net`.
class Random {
 public:
  explicit Random(std::uint64_t seed);
  /// Seeded from the operating system.
  static Random from_system();

  std::uint64_t next();
  /// Uniform in [0, bound); bound > 0.
  std::uint64_t below(std::uint64_t bound);
  /// True `numerator` times out of `denominator`.
  bool chance(std::uint64_t numerator, std::uint64_t denominator);

 private:
  std::uint64_t state_[4];
};

}  // namespace troupe
