#pragma once

#include "runtime/operator/state_table.hpp"
#include "runtime/ops/window/window_plan.hpp"

#include <cstdint>
#include <memory>
#include <optional>

namespace troupe {

/// The open windows as rows: partial results by slice and key, as they travel to the phase that
/// closes windows, behind the last moment of the last window that has the slice: then the row
/// expires. They belong to the key group of the key alone, as the exchange in front says, and those
/// of one slice and key add up.
std::shared_ptr<const StateTable> slices_table(const WindowSpan& span,
                                               std::shared_ptr<const Aggregation> by_slice);
/// One row: the end of the last window that was put out. None: there was none.
const std::shared_ptr<const StateTable>& closed_table();

/// A row of it, and the latest end that its rows or `closed` tell.
Batch closed_row(std::int64_t end);
std::int64_t last_closed(const Batch& rows, std::optional<std::int64_t> closed);

/// So many rows of one moment.
std::shared_ptr<arrow::Array> moments(std::int64_t moment, std::int64_t rows);

/// Partial results of one slice as rows of the first, and rows of the first as partial results.
Batch slice_rows(const StateTable& table, const WindowSpan& span, std::int64_t slice,
                 const Batch& states);
Result<Batch> states_of(const Batch& slice_rows);

}  // namespace troupe
