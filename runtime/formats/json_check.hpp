#pragma once

#include "runtime/formats/csv_file.hpp"

#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace arrow {
class Array;
}

namespace troupe {

// What Arrow's parser does not say of a JSON text. All of it reads the text again: for messages,
// and where something has been seen that makes it worth it.

/// What is wrong with one object, and what to do.
struct JsonFault {
  std::string what;
  std::string hint;
};

/// Why an object does not fit these columns: a field that is not in `known` (where that is given),
/// or a value of another type. Nothing where it fits, or is no JSON at all.
std::optional<JsonFault> json_misfit(std::string_view object, const arrow::Schema& columns,
                                     const arrow::Schema* known);

/// True where doubles stand in the array, or inside it, that may have been longer integers.
bool holds_large_doubles(const arrow::Array& values);

/// The first integer of an object that loses digits as the double that `columns` make of it; those
/// `declared` are what the user wants.
std::optional<JsonFault> inexact_number(std::string_view object, const arrow::Schema& columns,
                                        const ColumnTypes& declared);

/// Of the fields whose values are all integers, in lines of objects: how many digits the longest
/// has.
std::map<std::string, std::size_t> integer_fields(std::string_view lines);

}  // namespace troupe
