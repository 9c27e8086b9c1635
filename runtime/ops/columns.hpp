#pragma once

#include "runtime/data/batch.hpp"

#include <memory>
#include <vector>

namespace troupe {

/// A batch of these columns under the names of `schema`. A column may be dictionary-encoded where
/// the schema says `utf8`: the batch then has a schema of its own that says so.
Batch make_batch(const SchemaPtr& schema, std::vector<std::shared_ptr<arrow::Array>> columns,
                 std::int64_t rows);

}  // namespace troupe
