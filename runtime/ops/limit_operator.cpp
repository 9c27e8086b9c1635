#include "runtime/ops/limit_operator.hpp"

#include <arrow/record_batch.h>

#include <algorithm>

namespace troupe {

Result<Step> LimitOperator::process(int, const Batch& batch, Emitter& out) {
  const std::int64_t skipped = std::min(skip_, batch.rows());
  const std::int64_t passed = std::min(left_, batch.rows() - skipped);
  skip_ -= skipped;
  left_ -= passed;
  if (passed == batch.rows()) {
    out.emit(batch);
  } else if (passed > 0) {
    out.emit(Batch(batch.columns()->Slice(skipped, passed)));
  }
  return Step::done;
}

}  // namespace troupe
