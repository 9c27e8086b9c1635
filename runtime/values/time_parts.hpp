#pragma once

#include "runtime/base/result.hpp"
#include "runtime/values/time_field.hpp"
#include "runtime/values/vector.hpp"

namespace troupe {

// The parts of moments, days and intervals that a TimeField names: date_trunc() and extract().
// Fields that a type does not have are `unsupported`.

/// The begin of the unit that the moment is in.
Result<Moment> truncate(TimeField field, Moment moment);
/// Without what is smaller than the unit, toward zero.
Result<Interval> truncate(TimeField field, const Interval& interval);
/// extract(field from ..) in millionths, which is exact for every field.
Result<Int128> extract_micros(TimeField field, Date date);
Result<Int128> extract_micros(TimeField field, Moment moment);
Result<Int128> extract_micros(TimeField field, const Interval& interval);
/// The digits after the point that the field has: 6 for seconds, 0 for years.
int field_scale(TimeField field);

}  // namespace troupe
