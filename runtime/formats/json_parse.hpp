#pragma once

#include "runtime/formats/json_file.hpp"

#include <arrow/json/options.h>
#include <arrow/result.h>

#include <memory>
#include <string_view>

namespace arrow {
class RecordBatch;
}

namespace troupe {

using RecordBatchPtr = std::shared_ptr<arrow::RecordBatch>;

/// How Arrow's parser reads objects with these columns; others are inferred, or passed over, or an
/// error. Times and bytes are texts in JSON: they are parsed as such and then converted.
arrow::json::ParseOptions json_options(const SchemaPtr& columns,
                                       arrow::json::UnexpectedFieldBehavior others);

/// What is nested deeper is refused: Arrow's parser needs stack for each level.
inline constexpr int json_depth_max = 100;

/// Invalid, with " in row N" at its end, where the text holds anything beside objects (a `null`,
/// half a byte order mark), or is nested too deeply: Arrow's parser dies of some of that, and reads
/// no rows in others.
arrow::Status check_json_rows(std::string_view text);

/// Where the row begins that the parser calls by this number, whatever stands there: lines may be
/// empty, or have several objects. The end of the text where there is none.
std::size_t json_row_begin(std::string_view text, std::int64_t row);

/// The objects of a block of lines.
arrow::Result<RecordBatchPtr> parse_json(const arrow::json::ParseOptions& options,
                                         std::string_view text);

bool is_blank_json(std::string_view text);

}  // namespace troupe
