#pragma once

#include "runtime/data/batch.hpp"

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace troupe {

/// The index of a row that is not there: taken as null.
inline constexpr std::uint32_t no_row = 0xFFFFFFFFu;

/// `array[rows[0]], array[rows[1]], ...`: rows may repeat and come in any order, `no_row` is null.
/// Dictionary-encoded arrays stay so and share their dictionary; nothing is decoded. About twice as
/// fast as Arrow's take for fixed-width values, and the same for types it leaves to Arrow.
Result<std::shared_ptr<arrow::Array>> take(const arrow::Array& array,
                                           std::span<const std::uint32_t> rows);

/// All columns of a batch.
Result<Batch> take(const Batch& batch, std::span<const std::uint32_t> rows);

/// All rows of the batches, in order, as one batch. The batches have the same columns; where one
/// has a string column dictionary-encoded and another has not, the result is plain, and different
/// dictionaries are united. May be larger than `batch_rows_max`: not for sending on.
Result<Batch> concat(const std::vector<Batch>& batches);

/// The same for one column.
Result<std::shared_ptr<arrow::Array>> concat(
    const std::vector<std::shared_ptr<arrow::Array>>& arrays);

/// The values themselves: a dictionary-encoded array decoded, any other one as it is.
Result<std::shared_ptr<arrow::Array>> plain(const std::shared_ptr<arrow::Array>& array);

}  // namespace troupe
