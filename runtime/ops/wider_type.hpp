#pragma once

#include "runtime/base/result.hpp"

#include <memory>
#include <string_view>

namespace arrow {
class Array;
class DataType;
}  // namespace arrow

namespace troupe {

/// The type of numbers that holds every value of both: what one column becomes where rows of two
/// inputs meet, in a union or as a key. Integers become the wider one, with decimals a decimal,
/// with floats a double where that holds all of them. Null where there is no such type.
std::shared_ptr<arrow::DataType> wider_type(const std::shared_ptr<arrow::DataType>& a,
                                            const std::shared_ptr<arrow::DataType>& b);

/// `values` as `type`, each of them unchanged; an error that says the column where a decimal has
/// more than 38 digits then.
Result<std::shared_ptr<arrow::Array>> widened(const std::shared_ptr<arrow::Array>& values,
                                              const std::shared_ptr<arrow::DataType>& type,
                                              std::string_view column);

}  // namespace troupe
