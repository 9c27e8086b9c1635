#pragma once

#include "runtime/base/json_fwd.hpp"
#include "runtime/base/result.hpp"
#include "runtime/data/batch.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace troupe {

/// What a `print` sink commits: a few rows for people, small enough to travel with the metadata.
struct PrintedRows {
  std::string title;
  std::int64_t rows_in_all = 0;  ///< of which `ipc` holds the first
  std::string ipc;               ///< one batch, as an Arrow IPC stream
};

/// A line of JSON, then the bytes of the IPC stream.
std::string encode_printed(const PrintedRows& printed);
Result<PrintedRows> decode_printed(std::string_view bytes);

/// One batch as an Arrow IPC stream, and back; no rows are a stream with a schema alone.
Result<std::string> to_ipc(const Batch& batch);
Result<Batch> from_ipc(std::string_view bytes);

/// The values of a column as text for people: numbers without loss, times as ISO 8601 without the
/// "T" and in UTC, bytes as hexadecimal digits, null as "null".
Result<std::vector<std::string>> column_text(const Batch& batch, int column);
/// True for columns whose text belongs to the right.
bool is_numeric(const Batch& batch, int column);
/// One object a row; numbers are numbers where JSON can hold them exactly, decimals are text, bytes
/// base64.
Result<Json> rows_as_json(const Batch& batch);

}  // namespace troupe
