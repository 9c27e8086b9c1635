#include "runtime/os/random.hpp"

#include "runtime/base/ensure.hpp"

#include <bit>
#include <random>

namespace troupe {
namespace {

// SplitMix64 fills the state of xoshiro256** (Blackman and Vigna, 2018; both public domain).
std::uint64_t split_mix(std::uint64_t& state) {
  std::uint64_t z = (state += 0x9e3779b97f4a7c15);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

}  // namespace

Random::Random(std::uint64_t seed) {
  for (auto& word : state_) word = split_mix(seed);
}

Random Random::from_system() {
  std::random_device device;
  return Random((std::uint64_t{device()} << 32) | device());
}

std::uint64_t Random::next() {
  const std::uint64_t result = std::rotl(state_[1] * 5, 7) * 9;
  const std::uint64_t shifted = state_[1] << 17;
  state_[2] ^= state_[0];
  state_[3] ^= state_[1];
  state_[1] ^= state_[2];
  state_[0] ^= state_[3];
  state_[2] ^= shifted;
  state_[3] = std::rotl(state_[3], 45);
  return result;
}

/// The high half of a wide product: cheaper than a remainder. Its bias is below bound / 2^64.
std::uint64_t Random::below(std::uint64_t bound) {
  ENSURE(bound > 0, "a random number below nothing");
  return static_cast<std::uint64_t>((static_cast<unsigned __int128>(next()) * bound) >> 64);
}

bool Random::chance(std::uint64_t numerator, std::uint64_t denominator) {
  return below(denominator) < numerator;
}

}  // namespace troupe
