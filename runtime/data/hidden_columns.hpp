#pragma once

namespace troupe {

/// Columns that no user sees stand behind those that a schema names. Names that begin so are
/// refused to users.
inline constexpr const char* hidden_prefix = "#";

/// The event time of a row (timestamp, microseconds).
inline constexpr const char* time_column = "#time";
/// How often a row counts; last, int64, never null. A negative one takes rows back.
inline constexpr const char* weight_column = "#weight";

}  // namespace troupe
