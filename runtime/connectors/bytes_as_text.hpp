#pragma once

#include "runtime/connectors/file_format.hpp"
#include "runtime/operator/options.hpp"

#include <memory>

namespace troupe {

// Files hold identifiers, digests and old texts as bytes, which expressions only pass on. A user
// can say that a column of them is read as text.

/// `bytes_as` of a source whose format has bytes.
Parameter bytes_as_parameter();

/// The format, with the columns that `bytes_as` names read as text; the format itself where it
/// names none. A column that is no bytes is refused when a file is looked into, bytes that are not
/// what the user says when they are read.
Result<std::shared_ptr<const ReadFormat>> bytes_as_text(const Options& options,
                                                        std::shared_ptr<const ReadFormat> format);

}  // namespace troupe
