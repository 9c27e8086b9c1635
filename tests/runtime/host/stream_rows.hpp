#pragma once

#include "runtime/base/json.hpp"
#include "tests/runtime/host/given_tables.hpp"

#include <cstdint>
#include <map>
#include <utility>
#include <vector>

namespace troupe {

// A stream of numbers with event times, and what windows over it come to.

inline constexpr std::int64_t second = 1'000'000;

struct Row {
  std::int64_t time = 0;  ///< microseconds
  std::int64_t key = 0;
  std::int64_t value = 0;

  friend auto operator<=>(const Row&, const Row&) = default;
};

/// "key", "value", "at".
const SchemaPtr& rows_schema();

/// Rows of a minute or so, each up to `disorder` behind the latest one before it.
std::vector<Row> random_stream(std::uint64_t seed, std::int64_t disorder, std::int64_t rows = 600);
Batch batch_of(const std::vector<Row>& rows, std::size_t from, std::size_t to);
/// Batches of up to 40 rows: a split each.
Table table_of(const std::vector<Row>& rows, std::uint64_t seed);

struct Span {
  std::int64_t size, slide;
};

/// Number of rows and sum of the values by key.
Json window_options(const Span& span);

/// Number and sum of the values by window's end and key.
struct Counted {
  std::int64_t rows = 0, total = 0;

  friend bool operator==(const Counted&, const Counted&) = default;
};
using Windows = std::map<std::pair<std::int64_t, std::int64_t>, Counted>;

void count(Windows& windows, const Row& row, const Span& span, std::int64_t sign = 1);
Windows fold(const std::vector<Row>& rows, const Span& span);

struct Session {
  std::int64_t start = 0;
  Counted counted;

  friend bool operator==(const Session&, const Session&) = default;
};

/// What `window_options` counts, in sessions.
Json session_options(std::int64_t gap);
/// By end and key, each of which there is once.
using Sessions = std::map<std::pair<std::int64_t, std::int64_t>, Session>;
Sessions fold_sessions(std::vector<Row> rows, std::int64_t gap);
/// Of rows as `window` puts them out; a session that is there twice fails the test.
Sessions sessions_of(const Table& table);

std::int64_t number(const Batch& batch, const std::string& column, std::int64_t row);
/// Batches as they came from a source of such rows.
std::vector<Row> rows_of(const Table& table);

}  // namespace troupe
