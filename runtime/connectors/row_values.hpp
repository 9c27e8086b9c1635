#pragma once

#include "runtime/base/json_fwd.hpp"
#include "runtime/data/batch.hpp"
#include "runtime/data/schema.hpp"
#include "runtime/expr/aggregate_select.hpp"

#include <string>
#include <vector>

namespace troupe {

/// Rows written in a descriptor, as a batch: columns in the order in which they first appear, or
/// that of `types`, first those that are typed. What a row leaves out is null. Types that are not
/// given are found: bigint, double precision, boolean, else text. `types` are SQL, and values are
/// read as a CAST from text would, so "12.50" may be a numeric(10,2).
///
/// A mistake's path is "rows.<index>[.<column>]" or "types.<column>".
Result<Batch> batch_of_rows(const Json& rows, const std::vector<NamedText>& types);

/// The name in SQL of a column's type, as `batch_of_rows` takes it; `unsupported` for types without
/// literals (nested ones).
Result<std::string> sql_name_of(const std::shared_ptr<arrow::DataType>& type);

}  // namespace troupe
