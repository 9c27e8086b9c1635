#pragma once

#include "runtime/data/batch.hpp"

namespace troupe {

/// The rows for which `truth`, an array of booleans as long as the batch, is true: not those where
/// it is null. The batch itself where those are all.
Result<Batch> take_true(const Batch& batch, const arrow::Array& truth);

}  // namespace troupe
