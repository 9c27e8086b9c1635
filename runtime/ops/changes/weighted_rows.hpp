#pragma once

#include "runtime/data/batch.hpp"

#include <cstdint>
#include <span>
#include <vector>

namespace troupe {

/// The rows with a weight behind them, as a flow of changes has it.
Batch with_weight(const Batch& rows, std::vector<std::int64_t> weights);
/// The same weight for all.
Batch with_weight(const Batch& rows, std::int64_t weight);

/// Which rows come and which are taken back; one that counts several times is there as often.
struct Signed {
  std::vector<std::uint32_t> given;
  std::vector<std::uint32_t> taken;

  static Signed of(std::span<const std::int64_t> weights);
};

/// What rows with weights (the last column) come to: of equal ones one, with the sum of their
/// weights; none where that is zero. Those that are taken back stand in front.
Result<Batch> net_changes(const Batch& rows);

}  // namespace troupe
