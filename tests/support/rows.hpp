#pragma once

#include "runtime/base/result.hpp"
#include "runtime/data/batch.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace troupe {

class BatchReader;

/// Rows written as JSON: `rows_from(schema, R"([{"a": 1}, {"a": null}])")`.
Batch rows_from(const SchemaPtr& schema, const std::string& json);

/// All that a reader has, in batches that are no larger than they may be.
Result<std::vector<Batch>> batches_of(BatchReader& reader);

/// "n int64, s string"
std::string columns_text(const arrow::Schema& schema);

/// One line a row, "1|abc|null": what tests compare, whatever the batches and encodings were.
std::vector<std::string> lines_of(const std::vector<Batch>& batches);
std::vector<std::string> sorted_lines_of(const std::vector<Batch>& batches);

/// The batches of all subtasks, in the order of the subtasks.
std::vector<Batch> all_of(const std::vector<std::vector<Batch>>& streams);

/// How random rows are made.
struct RandomRows {
  std::uint32_t seed = 1;
  std::int64_t rows = 1000;
  std::int64_t batch_rows = 97;  ///< at most; each batch has a random size up to it
  int distinct = 20;             ///< values a column takes
  double nulls = 0.1;
  bool dictionaries = true;  ///< encode string columns of some batches
};

/// The JSON of one of a column's values: equal for equal numbers.
std::string random_value(const arrow::DataType& type, int value);
std::vector<Batch> random_rows(const SchemaPtr& schema, const RandomRows& shape);

/// Deals batches to subtasks, round robin.
std::vector<std::vector<Batch>> deal(const std::vector<Batch>& batches, std::uint32_t subtasks);

}  // namespace troupe
