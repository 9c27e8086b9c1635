#pragma once

#include "runtime/ops/grouping/accumulator.hpp"

#include <arrow/array.h>
#include <arrow/buffer.h>
#include <arrow/type.h>
#include <arrow/util/bit_run_reader.h>

namespace troupe {

/// Calls each(i) for the rows that count, in runs, so that the loop without nulls has no test.
template <class Each>
void each_counted(const Argument& argument, std::int64_t rows, Each each) {
  if (!argument.valid) {
    for (std::int64_t i = 0; i < rows; ++i) each(i);
    return;
  }
  arrow::internal::VisitSetBitRunsVoid(argument.valid->data(), argument.valid_offset, rows,
                                       [&](std::int64_t first, std::int64_t length) {
                                         for (std::int64_t i = first; i < first + length; ++i) {
                                           each(i);
                                         }
                                       });
}

/// The same for the rows of an array that are not null.
template <class Each>
void each_not_null(const arrow::Array& array, Each each) {
  Argument argument{nullptr};
  if (array.null_count() > 0) {
    argument.valid = array.null_bitmap();
    argument.valid_offset = array.offset();
  }
  each_counted(argument, array.length(), each);
}

/// Calls f(pointer to the first value) for an array of integers, dates or times.
template <class F>
Result<> with_integers(const arrow::Array& array, F f) {
  const arrow::ArrayData& data = *array.data();
  switch (array.type_id()) {
    case arrow::Type::INT8:
      return f(data.GetValues<std::int8_t>(1)), Result<>();
    case arrow::Type::INT16:
      return f(data.GetValues<std::int16_t>(1)), Result<>();
    case arrow::Type::INT32:
    case arrow::Type::DATE32:
    case arrow::Type::TIME32:
      return f(data.GetValues<std::int32_t>(1)), Result<>();
    case arrow::Type::INT64:
    case arrow::Type::DATE64:
    case arrow::Type::TIME64:
    case arrow::Type::TIMESTAMP:
    case arrow::Type::DURATION:
      return f(data.GetValues<std::int64_t>(1)), Result<>();
    case arrow::Type::UINT8:
      return f(data.GetValues<std::uint8_t>(1)), Result<>();
    case arrow::Type::UINT16:
      return f(data.GetValues<std::uint16_t>(1)), Result<>();
    case arrow::Type::UINT32:
      return f(data.GetValues<std::uint32_t>(1)), Result<>();
    case arrow::Type::UINT64:
      return f(data.GetValues<std::uint64_t>(1)), Result<>();
    default:
      return fail(ErrorCode::unsupported, "values of type {} are no integers",
                  array.type()->ToString());
  }
}

template <class F>
Result<> with_floats(const arrow::Array& array, F f) {
  const arrow::ArrayData& data = *array.data();
  switch (array.type_id()) {
    case arrow::Type::FLOAT:
      return f(data.GetValues<float>(1)), Result<>();
    case arrow::Type::DOUBLE:
      return f(data.GetValues<double>(1)), Result<>();
    default:
      return fail(ErrorCode::unsupported, "values of type {} are no floats",
                  array.type()->ToString());
  }
}

}  // namespace troupe
