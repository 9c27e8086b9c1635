#pragma once

#include "runtime/data/stored_number.hpp"
#include "runtime/ops/aggregate/accumulator.hpp"

#include <arrow/array.h>
#include <arrow/buffer.h>
#include <arrow/type.h>
#include <arrow/util/bit_run_reader.h>

#include <algorithm>
#include <array>
#include <span>
#include <type_traits>

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

/// The most groups whose sums are added up in lanes: 16 KiB of decimals, which stay in the L1
/// cache.
constexpr std::size_t laned_groups_max = 256;

/// Adds value(i) of each row that counts to the sum of its group. A group has a sum in each of a
/// few lanes, and the lanes take turns: where groups are few, neighbours in a batch are often of
/// one group, and an addition to one sum waits for the one before it.
///
/// False, and `sums` as they were, if there are more than `laned_groups_max` or one overflows.
template <class Sum, class Value>
bool add_in_lanes(std::span<Sum> sums, const RowGroups& groups, const Argument& argument,
                  Value value) {
  if (sums.size() > laned_groups_max) return false;
  constexpr std::size_t lanes = 4;
  std::array<Sum, lanes * laned_groups_max> laned;
  std::fill_n(laned.begin(), lanes * sums.size(), Sum{0});
  bool overflows = false;
  each_counted(argument, groups.rows, [&, ids = groups.ids](std::int64_t i) {
    Sum& sum = laned[ids[i] * lanes + static_cast<std::size_t>(i) % lanes];
    overflows |= __builtin_add_overflow(sum, value(i), &sum);
  });
  std::array<Sum, laned_groups_max> totals;
  for (std::size_t group = 0; group < sums.size(); ++group) {
    totals[group] = sums[group];
    for (std::size_t lane = 0; lane < lanes; ++lane) {
      overflows |=
          __builtin_add_overflow(totals[group], laned[group * lanes + lane], &totals[group]);
    }
  }
  if (!overflows) std::copy_n(totals.begin(), sums.size(), sums.begin());
  return !overflows;
}

/// Calls f(pointer to the first value) for an array whose values are stored as floats, or else as
/// integers; `what` they are, for people.
template <bool floats, class F>
Result<> with_stored(const arrow::Array& array, const char* what, F f) {
  bool called = false;
  visit_stored_number(array.type_id(), [&]<class Value>(Value) {
    if constexpr (std::is_floating_point_v<Value> == floats) {
      f(array.data()->GetValues<Value>(1));
      called = true;
    }
  });
  if (called) return {};
  return make_error(ErrorCode::unsupported, "values of type {} are no {}", array.type()->ToString(),
                    what);
}

/// For integers, dates and times.
template <class F>
Result<> with_integers(const arrow::Array& array, F f) {
  return with_stored<false>(array, "integers", f);
}

template <class F>
Result<> with_floats(const arrow::Array& array, F f) {
  return with_stored<true>(array, "floats", f);
}

}  // namespace troupe
