#pragma once

#include "tests/sim/world.hpp"

#include <array>
#include <string>

namespace troupe::sim {

/// What became of one seed.
struct Outcome {
  bool ok = true;
  std::string violation;
  std::uint64_t messages = 0;
  std::uint64_t epochs = 0;  ///< committed
  std::uint64_t kills = 0;
  std::uint64_t runs = 0;
  std::uint64_t succeeded = 0;
  std::uint64_t restarts = 0;
  std::uint64_t refused = 0;
  std::array<std::uint64_t, kill_points> kills_at{};
  /// Of everything that was delivered and decided, in order: equal for equal seeds.
  std::uint64_t trace_hash = 0;
  Damage damage;
};

/// Runs one seed from the first submission to the last check: jobs come while processes die, freeze
/// and lose each other; then all heals, everything must end, and what is visible must be exact.
///
/// Every so many seeds there are no faults, and then nothing may be restarted or refused; and every
/// so many it runs twice, and the second run must take the very same course.
Outcome run_seed(const SimOptions& options);

}  // namespace troupe::sim
