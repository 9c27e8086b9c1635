#pragma once

namespace troupe {

/// Columns that no user sees stand behind those that a schema names. Names that begin so are
/// refused to users.
inline constexpr const char* hidden_prefix = "#";

/// The event time of a row (timestamp, microseconds).
inline constexpr const char* time_column = "#time";

}  // namespace troupe
