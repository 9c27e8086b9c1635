#pragma once

#include "runtime/base/result.hpp"
#include "runtime/data/batch.hpp"

#include <cstdint>
#include <memory>
#include <vector>

namespace troupe {

/// The hash that decides which key group a row belongs to, for the exchange, for joins and for
/// state. It is durable (`key_hash_name` stands in plans and manifests): its value for a key never
/// changes, whatever the machine, the batch or the encoding of a column.
///
/// A value hashes as xxh3_64 over its canonical bytes, little-endian:
///   - booleans and integers of every width, dates and times in their own unit: 8 bytes
///   - floats: the 8 bytes of the double; -0.0 as 0.0, every NaN as one NaN
///   - decimals: the 16 bytes of the unscaled integer
///   - strings and binaries: their bytes; a dictionary entry is its value
///   - null: no bytes, with seed 1
/// A key of one column hashes as its value; a key of several as xxh3_64 over the hashes of its
/// values, 8 bytes each, in the order of the columns. (So an entry of a dictionary is hashed once,
/// not once a row.) A key of no columns has one hash.

/// One hash a row of `columns` of the batch. `unsupported` for nested types, naming the column.
Result<> hash_keys(const Batch& batch, const std::vector<int>& columns,
                   std::vector<std::uint64_t>& out);

/// The hashes of all values, row by row: of row r and the c-th of n columns, the word r * n + c.
Result<> hash_values(const Batch& batch, const std::vector<int>& columns,
                     std::vector<std::uint64_t>& out);
/// One hash a row, from those of its values; of at least one column.
void hash_rows(const std::vector<std::uint64_t>& values, std::size_t columns,
               std::vector<std::uint64_t>& out);

/// The same as `hash_keys` for arrays of equal length that stand in no batch.
Result<> hash_keys(const std::vector<std::shared_ptr<arrow::Array>>& columns, std::int64_t rows,
                   std::vector<std::uint64_t>& out);

}  // namespace troupe
