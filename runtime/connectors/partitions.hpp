#pragma once

#include "runtime/base/result.hpp"
#include "runtime/data/schema.hpp"
#include "runtime/formats/csv_file.hpp"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace arrow {
struct Scalar;
}

namespace troupe {

// Columns whose values stand in the names of directories, as Hive writes them:
// `sales/year=2013/month=5/part-0.parquet`. Bytes that a name may not hold are percent-encoded, and
// `__HIVE_DEFAULT_PARTITION__` is null.

/// One directory of a path that is named key=value.
struct PartitionValue {
  std::string key;
  std::optional<std::string> text;  ///< none: null
};

/// Of the directories of a path, from the outside in. Of two with one key the inner one counts.
std::vector<PartitionValue> partition_values(const std::string& path);

/// The columns that the directories of these files give: declared, or bigint where all texts are
/// integers as they are written (so "01" is none), date where all are dates, else text. Error where
/// one file has a key that another lacks, unless they are to be united: then it is null.
Result<SchemaPtr> partition_columns(const std::vector<std::string>& paths,
                                    const ColumnTypes& declared, bool unite);

/// The value of a column for all rows of a file; null where its path has none.
Result<std::shared_ptr<arrow::Scalar>> partition_value(const std::string& path,
                                                       const arrow::Field& column);

/// "year=2013". The type is one of those that `check_partition_type` takes.
std::string partition_directory(const std::string& key, const arrow::Scalar& value);
/// Error where values of the type cannot be told from the name of a directory again.
Result<> check_partition_type(const std::string& column, const arrow::DataType& type);

}  // namespace troupe
