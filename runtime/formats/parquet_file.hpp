#pragma once

#include "runtime/expr/expression.hpp"
#include "runtime/operator/batch_reader.hpp"
#include "runtime/operator/value_test.hpp"
#include "runtime/os/file_system.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace troupe {

/// The footer of a Parquet file, read and checked once: what its row groups hold, and readers of
/// them. Immutable, shared by threads; every reader opens the file for itself.
class ParquetFile {
 public:
  /// An error where the file is damaged, cut short, or no Parquet at all. Blocks.
  static Result<std::shared_ptr<const ParquetFile>> open(FileSystem& files,
                                                         const std::string& path);

  const std::string& path() const;
  /// Logical types; every column is nullable.
  const SchemaPtr& schema() const;
  std::int64_t size() const;
  int row_groups() const;
  std::int64_t rows(int group) const;
  /// Columns that cannot be read (encrypted ones, groups without columns), and why.
  const std::map<std::string, Error>& unreadable() const;
  /// Compressed bytes of these columns; the error of one that cannot be read.
  Result<std::int64_t> bytes(int group, const std::vector<std::string>& columns) const;

  /// False where the statistics prove that no row of the group satisfies all `bounds`, which name
  /// columns of `schema`. True wherever there is a doubt.
  bool may_match(int group, const SchemaPtr& schema, const std::vector<ColumnBound>& bounds) const;

  /// The rows of these groups, one after the other, with exactly these columns in this order. Only
  /// their bytes are read. Strings come as dictionaries where the file has encoded all of them so.
  /// Rows that a test does not need may be left out. Tests count numbers as `schema` has them.
  Result<std::unique_ptr<BatchReader>> read(std::vector<int> groups,
                                            std::vector<std::string> columns,
                                            const ColumnTests& tests = {}) const;

  struct State;
  explicit ParquetFile(std::unique_ptr<const State> state);
  ~ParquetFile();

 private:
  std::unique_ptr<const State> state_;
};

}  // namespace troupe
