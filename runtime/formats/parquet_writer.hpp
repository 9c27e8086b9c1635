#pragma once

#include "runtime/data/memory_budget.hpp"
#include "runtime/formats/batch_writer.hpp"
#include "runtime/os/file_system.hpp"

#include <memory>
#include <string>

namespace troupe {

struct ParquetWriteOptions {
  std::string compression = "zstd";  ///< zstd, snappy, lz4, gzip or none
  std::int64_t row_group_rows = 1'000'000;
  std::int64_t bytes_max = writer_bytes_usual;  ///< what it may hold, about
};

/// Error where Parquet has no such columns: intervals of more than milliseconds, structs without a
/// field, decimals of a negative scale.
Result<> check_parquet_schema(const arrow::Schema& schema);

/// A writer of one Parquet file with this logical schema.
Result<std::unique_ptr<BatchWriter>> write_parquet(FileSystem& files, const std::string& path,
                                                   const SchemaPtr& schema,
                                                   const ParquetWriteOptions& options);

}  // namespace troupe
