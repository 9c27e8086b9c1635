#pragma once

#include "runtime/base/result.hpp"

#include <arrow/status.h>
#include <parquet/exception.h>

#include <type_traits>

namespace troupe {

/// What failed while reading a Parquet file, in words for its user. Bytes that do not decode are
/// `corrupt`: they will not get better by a retry.
Error parquet_error(const std::string& path, const arrow::Status& status);

/// Runs code of the Parquet library, which throws, and returns its value or its failure. The only
/// place that catches its exceptions.
template <class Run>
auto parquet_try(const std::string& path, Run&& run) -> Result<std::invoke_result_t<Run>> {
  arrow::Status status;
  try {
    if constexpr (std::is_void_v<std::invoke_result_t<Run>>) {
      run();
      return {};
    } else {
      return run();
    }
  } catch (const parquet::ParquetStatusException& error) {
    status = error.status();
  } catch (const parquet::ParquetException& error) {
    status = arrow::Status::Invalid(error.what());
  } catch (const std::bad_alloc&) {
    status = arrow::Status::OutOfMemory("out of memory");
  }
  return parquet_error(path, status);
}

}  // namespace troupe
