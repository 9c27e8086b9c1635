#include "runtime/ops/changes/output_queue.hpp"

#include <arrow/record_batch.h>

namespace troupe {

void OutputQueue::add(const Batch& batch) {
  for (std::int64_t at = 0; at < batch.rows(); at += batch_rows_max) {
    const bool whole = batch.rows() <= batch_rows_max;
    batches_.push_back(whole ? batch : Batch(batch.columns()->Slice(at, batch_rows_max)));
  }
}

}  // namespace troupe
