#pragma once

#include "runtime/operator/operator.hpp"

#include <cstdint>

namespace troupe {

/// Drops `offset` rows, passes on `rows`, and is satisfied.
class LimitOperator final : public Operator {
 public:
  LimitOperator(std::int64_t rows, std::int64_t offset) : left_(rows), skip_(offset) {}

  Result<Step> process(int input, const Batch& batch, Emitter& out) override;
  bool satisfied() const override { return left_ == 0; }

 private:
  std::int64_t left_;
  std::int64_t skip_;
};

}  // namespace troupe
