#pragma once

#include "runtime/formats/csv_file.hpp"
#include "runtime/operator/options.hpp"

#include <string>

namespace troupe {

/// The types that a user declares for columns, in SQL: `{price: "numeric(12,2)"}`. An error's path
/// is "<parameter>.<column>".
Result<ColumnTypes> declared_types(const Options& options, const std::string& parameter);

}  // namespace troupe
