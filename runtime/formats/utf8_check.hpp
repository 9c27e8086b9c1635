#pragma once

#include "runtime/base/result.hpp"
#include "runtime/data/schema.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace troupe {

// A text is UTF-8: operators, writers and other nodes take that on trust. Files do not keep to it,
// and not every decoder looks; so readers do, once, before they hand out a batch. The check costs a
// small part of the decoding: bytes are looked at in blocks of vector registers, not text by text.

/// The row of the first text in `column` that is not UTF-8, be it inside lists, structs, maps or a
/// dictionary; none where all are.
std::optional<std::int64_t> first_not_utf8(const arrow::Array& column);

/// "column 'name' is not in UTF-8", with what to do; the caller knows where.
Error not_utf8(const std::string& column);

}  // namespace troupe
