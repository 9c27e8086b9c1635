#pragma once

#include "runtime/base/result.hpp"
#include "runtime/data/batch.hpp"
#include "runtime/data/schema.hpp"

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace troupe {

// Rows as the text of PostgreSQL's COPY: a line a row, tabs between the values, \N for null. A raw
// line feed stands behind a row and nowhere else, so the text can be cut and lengthened there.

/// Error where a column has values without such a text (nested ones).
Result<> check_copy_columns(const arrow::Schema& schema);

/// Appends all rows; behind the values of each, its weight (`weights` null: 1).
Result<> append_copy_text(const Batch& rows, const std::int64_t* weights, std::string& out);

/// Hands over each row without its last value, the weight.
void for_each_row(std::string_view lines, const std::function<void(std::string_view)>& each);

/// The same rows without their last value, the weight; or with another value behind each, too.
std::string without_last_value(std::string_view lines);
std::string with_last_value(std::string_view lines, std::string_view value);

/// Line `number` (from 1), for people: what is too long is cut.
std::string shown_line(std::string_view lines, std::size_t number);

}  // namespace troupe
