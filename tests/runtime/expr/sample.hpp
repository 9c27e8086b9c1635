#pragma once

#include "runtime/data/batch.hpp"

#include <memory>
#include <string>
#include <string_view>

namespace troupe {

/// The rows that the tests of expressions are asked about:
///
///   i2 smallint, i4 integer, i8 bigint, n numeric(10,2), f4 real, f8 double precision, b boolean,
///   t text, d date, ts timestamp, iv interval; "Cap" text, whose name has a capital letter.
///
/// Six rows: ordinary values, negative ones, zeros, the largest, odd texts, and all NULL.
Batch sample_rows();
/// The same with every text column dictionary-encoded.
Batch sample_rows_encoded();

/// One value as the golden files write it: NULL, or its text.
std::string shown(const arrow::Array& values, std::int64_t row);
/// "integer", as SQL says it.
std::string shown_type(const std::shared_ptr<arrow::DataType>& type);

}  // namespace troupe
