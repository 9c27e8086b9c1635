#pragma once

#include "runtime/base/json_fwd.hpp"
#include "runtime/data/batch.hpp"
#include "tests/fuzz/fuzz_target.hpp"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace arrow {
class Table;
template <class T>
class Result;
}  // namespace arrow

namespace troupe {

/// A `read.*` operator whose files are fuzzed. What it must do with any bytes: read what Arrow's
/// own reader reads of them, or refuse them as the user's error, with the file's name. Never a
/// crash, a hang, another kind of error (those are tried again), or memory that only a claim is
/// for.
struct FileTarget {
  std::string op;         ///< "read.parquet"
  std::string extension;  ///< ".parquet"
  /// The whole file by Arrow's own reader, as columns of about these types.
  std::function<arrow::Result<std::shared_ptr<arrow::Table>>(const std::string& path,
                                                             const SchemaPtr& schema)>
      reference;
};

/// One input; throws what does not hold.
int run_file_input(const FileTarget& target, const std::uint8_t* bytes, std::size_t size);

/// What `write` leaves at the path it is given.
std::string written_file(const std::function<void(const std::string& path)>& write);
/// A file of tests/data.
std::string data_file(const std::string& name);

/// Rows of these columns of `every_type`, the same each time.
Batch sample_rows(const std::vector<std::string>& columns, std::int64_t rows);

}  // namespace troupe
