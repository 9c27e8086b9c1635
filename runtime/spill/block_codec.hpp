#pragma once

#include "runtime/data/batch.hpp"
#include "runtime/spill/partition_writer.hpp"

#include <string>

namespace arrow {
class Buffer;
}

namespace troupe {

/// A batch as the bytes of one block: an Arrow IPC stream with its schema, so that a block can be
/// read alone, on another node too.
Result<std::shared_ptr<arrow::Buffer>> encode_block(const Batch& batch,
                                                    SpillCompression compression);

/// One hash a row over all its values, nested ones too: equal for equal rows, whatever the
/// encoding.
Result<> hashes_of_rows(const Batch& batch, std::vector<std::uint64_t>& out);

/// The sum of a hash of every row: the same for the same rows in any order, batches and encoding.
Result<std::uint64_t> hash_of_rows(const Batch& batch);

}  // namespace troupe
