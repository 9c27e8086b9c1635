#pragma once

#include <memory>

namespace arrow {
class Array;
}

namespace troupe {

/// The same column, with nothing behind its nulls: their views are empty and their indices into a
/// dictionary 0, however deep. A file may have any bytes there, the library's check of a column
/// passes over them, and its casts follow them; ours may not have to look at nulls either.
std::shared_ptr<arrow::Array> with_empty_nulls(const std::shared_ptr<arrow::Array>& column);

}  // namespace troupe
