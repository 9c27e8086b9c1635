#pragma once

#include "runtime/data/batch.hpp"
#include "runtime/data/schema.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace troupe {

class Random;

/// One column of every type that files and batches have in common, named by its type.
SchemaPtr every_type();

/// `rows` random rows of this schema: nulls, empty and odd strings, extreme numbers.
Batch random_batch(const SchemaPtr& schema, std::int64_t rows, Random& random);

/// All rows in one batch, dictionaries decoded, so that encodings and cuts do not matter.
Batch joined(const std::vector<Batch>& batches, const SchemaPtr& schema);

/// Equal schema and equal values; on a difference the text says where, else it is empty.
std::string difference(const Batch& expected, const Batch& found);

}  // namespace troupe
