#include "runtime/formats/parquet_error.hpp"

#include <parquet/exception.h>

#include <new>

namespace troupe {

arrow::Status detail::status_of_exception() {
  try {
    throw;
  } catch (const Defect&) {
    throw;
  } catch (const parquet::ParquetStatusException& error) {
    return error.status();
  } catch (const std::bad_alloc&) {
    return arrow::Status::OutOfMemory("out of memory");
  } catch (const std::exception& error) {
    return arrow::Status::Invalid(error.what());
  }
}

}  // namespace troupe
