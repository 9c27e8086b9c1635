#pragma once

#include "runtime/operator/batch_reader.hpp"

#include <memory>
#include <string>
#include <vector>

namespace parquet::arrow {
class FileReader;
}

namespace troupe {

/// A column of a Parquet file, and the leaves that hold it: a string is one, a struct of three
/// three.
struct ParquetField {
  std::shared_ptr<arrow::Field> field;
  std::vector<int> leaves;
};

/// The rows of row groups, one after the other: the common columns straight from their pages, the
/// others through Arrow's reader. What does not decode is damage, told with row group and column.
std::unique_ptr<BatchReader> read_groups(std::string path,
                                         std::unique_ptr<parquet::arrow::FileReader> file,
                                         std::vector<int> groups, std::vector<ParquetField> columns,
                                         arrow::MemoryPool* memory);

}  // namespace troupe
