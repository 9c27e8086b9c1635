#pragma once

#include "runtime/base/result.hpp"
#include "runtime/values/time_field.hpp"
#include "runtime/values/vector.hpp"

namespace troupe {

// date_trunc() and extract(): the parts of moments, days and intervals that a TimeField names. A
// field that a type does not have is `unsupported`.

/// The begin of the unit that the moment is in.
Result<Moment> truncate(TimeField field, Moment moment);
/// Drops the parts below the unit: rounds toward zero.
Result<Interval> truncate(TimeField field, const Interval& interval);
/// extract(field from ..) in millionths: exact for every field.
Result<Int128> extract_micros(TimeField field, Date date);
Result<Int128> extract_micros(TimeField field, Moment moment);
Result<Int128> extract_micros(TimeField field, const Interval& interval);
/// The field's digits behind the point: 6 for seconds, 0 for years.
int field_scale(TimeField field);

}  // namespace troupe
