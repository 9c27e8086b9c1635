#pragma once

#include "runtime/operator/batch_reader.hpp"
#include "runtime/operator/value_test.hpp"

#include <memory>
#include <string>
#include <vector>

namespace arrow {
class MemoryPool;
}
namespace arrow::io {
class RandomAccessFile;
}
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

/// What is read of a Parquet file, and by what.
struct ParquetRead {
  std::string path;
  std::shared_ptr<arrow::io::RandomAccessFile> bytes;
  std::unique_ptr<parquet::arrow::FileReader> file;
  std::vector<int> groups;
  std::vector<ParquetField> columns;
  arrow::MemoryPool* memory = nullptr;
};

/// The rows of row groups, one after the other: the common columns straight from their pages, the
/// others through Arrow's reader. What does not decode is damage, told with row group and column.
std::unique_ptr<BatchReader> read_groups(ParquetRead read);

/// The same without rows that some test does not need: columns with a test are decoded first, a
/// block of rows at a time, and of the others only the rows that are left. Such columns are a mere
/// few bytes of a page for each row that goes; a page of which all rows go is not even unpacked.
/// Null where a column is not a common one, or no test is of a column that is read.
std::unique_ptr<BatchReader> read_needed_rows(ParquetRead& read, const ColumnTests& tests);

}  // namespace troupe
