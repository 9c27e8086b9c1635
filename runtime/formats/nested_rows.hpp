#pragma once

#include <arrow/array.h>

#include <algorithm>
#include <cstdint>
#include <utility>

namespace troupe {

// Looks for the first row of a nested column in which something is found. `find(array)` gives what
// it has found in an array, or nothing, as an optional; `row_of(found)` is its row there, which is
// made one of the nested column.

template <class Find, class RowOf>
auto first_in_lists(const arrow::ListArray& lists, Find&& find, RowOf&& row_of)
    -> decltype(find(lists)) {
  if (lists.length() == 0) return {};
  const std::int64_t begin = lists.value_offset(0);
  auto found = find(*lists.values()->Slice(begin, lists.value_offset(lists.length()) - begin));
  if (!found) return found;
  const std::int32_t* ends = lists.raw_value_offsets() + 1;
  std::int64_t& row = row_of(*found);
  row = std::upper_bound(ends, ends + lists.length(), begin + row) - ends;
  return found;
}

template <class Find, class RowOf>
auto first_in_structs(const arrow::StructArray& structs, Find&& find, RowOf&& row_of)
    -> decltype(find(structs)) {
  decltype(find(structs)) first;
  for (int i = 0; i < structs.num_fields(); ++i) {
    auto found = find(*structs.field(i));
    if (found && (!first || row_of(*found) < row_of(*first))) first = std::move(found);
  }
  return first;
}

}  // namespace troupe
