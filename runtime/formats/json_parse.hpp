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

/// How Arrow's parser reads objects with these columns; others are inferred, or passed over. Times
/// are texts in JSON: they are parsed as such and then cast, which also knows dates.
arrow::json::ParseOptions json_options(const SchemaPtr& columns, bool infer_others);

/// The objects of a block of lines.
arrow::Result<RecordBatchPtr> parse_json(const arrow::json::ParseOptions& options,
                                         std::string_view text);

bool is_blank_json(std::string_view text);

}  // namespace troupe
