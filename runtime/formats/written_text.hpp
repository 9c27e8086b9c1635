#pragma once

#include "runtime/base/result.hpp"
#include "runtime/data/schema.hpp"

#include <memory>

namespace troupe {

/// The values of a flat column as the texts that CSV and JSON hold, nulls as nulls: numbers with
/// the fewest digits that read back as the same, times in ISO 8601, those with a zone in UTC, since
/// the offsets that zones had before they were standard have seconds, which an offset's text lacks.
///
/// Years beyond four digits have as many as they need, years before 0000 a sign: the library below
/// gives up or begins anew at 32768. A time outside of the day is an error: it has no text.
Result<std::shared_ptr<arrow::Array>> written_texts(const std::shared_ptr<arrow::Array>& values);

}  // namespace troupe
