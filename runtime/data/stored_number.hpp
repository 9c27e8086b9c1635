#pragma once

#include <arrow/type_fwd.h>

#include <cstdint>

namespace troupe {

/// Calls `visit(Value())` with the C++ type in which Arrow stores one value of a column of this
/// type, where that is a plain number: integers, floats, dates, times, durations. False where it is
/// not, as for booleans (bits), decimals and texts.
template <class Visit>
bool visit_stored_number(arrow::Type::type type, Visit&& visit) {
  switch (type) {
    case arrow::Type::INT8:
      visit(std::int8_t());
      return true;
    case arrow::Type::INT16:
      visit(std::int16_t());
      return true;
    case arrow::Type::INT32:
    case arrow::Type::DATE32:
    case arrow::Type::TIME32:
      visit(std::int32_t());
      return true;
    case arrow::Type::INT64:
    case arrow::Type::DATE64:
    case arrow::Type::TIME64:
    case arrow::Type::TIMESTAMP:
    case arrow::Type::DURATION:
      visit(std::int64_t());
      return true;
    case arrow::Type::UINT8:
      visit(std::uint8_t());
      return true;
    case arrow::Type::UINT16:
      visit(std::uint16_t());
      return true;
    case arrow::Type::UINT32:
      visit(std::uint32_t());
      return true;
    case arrow::Type::UINT64:
      visit(std::uint64_t());
      return true;
    case arrow::Type::FLOAT:
      visit(float());
      return true;
    case arrow::Type::DOUBLE:
      visit(double());
      return true;
    default:
      return false;
  }
}

}  // namespace troupe
