#pragma once

#include "runtime/base/result.hpp"

#include <arrow/result.h>
#include <arrow/status.h>

#include <exception>
#include <new>
#include <string>
#include <type_traits>

namespace troupe {

/// What a library says of the bytes of a user's file, in words for him: "'a.parquet' is damaged:
/// row group 3, column 'x': ...". It is `invalid_argument`: he must write the file again, and no
/// retry makes it better. (`corrupt` are bytes of our own, which another attempt may write again.)
/// What is not the fault of the bytes keeps its own code: the disk's error comes through as it is,
/// memory that is short is `unavailable`, what the library cannot do `unsupported`. `place` may be
/// empty.
Error reading_error(const std::string& path, const std::string& place, const arrow::Status& status);

/// What the library has read, or the error above.
template <class T>
Result<T> read_try(const std::string& path, const std::string& place, arrow::Result<T>&& result) {
  if (!result.ok()) return reading_error(path, place, result.status());
  return *std::move(result);
}
inline Result<> read_try(const std::string& path, const std::string& place,
                         const arrow::Status& status) {
  if (!status.ok()) return reading_error(path, place, status);
  return {};
}

/// The same where we have seen it ourselves.
Error damaged(const std::string& path, const std::string& place, std::string_view why);

/// An error of a library or of ours that does not know where: "'a.parquet', row group 3: ...".
Error at_place(const Error& error, const std::string& path, const std::string& place);

/// Runs a reader over a user's file: what a library throws because of its bytes is damage of it,
/// too.
template <class Read>
std::invoke_result_t<Read> reading(const std::string& path, Read&& read) {
  try {
    return read();
  } catch (const Defect&) {
    throw;
  } catch (const std::bad_alloc&) {
    return make_error(ErrorCode::unavailable, "reading '{}': there is not enough memory", path);
  } catch (const std::exception& exception) {
    return damaged(path, "", exception.what());
  }
}

/// The file begins like one of its kind and does not end so: somebody was not done writing it.
Error cut_short(const std::string& path, std::string_view kind);

/// "row group 3, column 'x'"
std::string column_place(std::string_view part, std::int64_t number, const std::string& column);

}  // namespace troupe
