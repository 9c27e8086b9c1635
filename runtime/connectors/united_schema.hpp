#pragma once

#include "runtime/base/result.hpp"
#include "runtime/data/schema.hpp"

#include <string>
#include <vector>

namespace troupe {

/// Columns of one file, for `united_schema`.
struct FileColumns {
  std::string path;
  SchemaPtr schema;
};

/// What may be done to values of two types that are to stand in one column.
enum class Widening {
  exact,  ///< a type that holds every value of both exactly
  json,   ///< numbers have no type of their own there, and times are texts
  text,   ///< all values are texts
};

/// The columns that hold the rows of all these files: each name once, in the order in which the
/// files have them, with a type that holds the values of each (integer and bigint are bigint; a
/// field that only had nulls has the other's). Error, with both files, where there is none.
Result<SchemaPtr> united_schema(const std::vector<FileColumns>& files, Widening widening);

}  // namespace troupe
