#include "tests/runtime/host/stream_rows.hpp"

#include "runtime/os/random.hpp"
#include "tests/support/catch.hpp"

#include <arrow/array/builder_primitive.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <algorithm>

namespace troupe {

const SchemaPtr& rows_schema() {
  static const SchemaPtr schema =
      arrow::schema({arrow::field("key", arrow::int64()), arrow::field("value", arrow::int64()),
                     arrow::field("at", arrow::timestamp(arrow::TimeUnit::MICRO))});
  return schema;
}

std::vector<Row> random_stream(std::uint64_t seed, std::int64_t disorder, std::int64_t count) {
  Random random(seed);
  std::vector<Row> rows;
  std::int64_t now = 100 * second;
  for (std::int64_t i = 0; i < count; ++i) {
    now +=
        static_cast<std::int64_t>(random.below(random.below(50) == 0 ? 20 * second : second / 5));
    const auto behind =
        disorder == 0
            ? 0
            : static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(disorder)));
    rows.push_back({now - behind, static_cast<std::int64_t>(random.below(7)), i});
  }
  return rows;
}

Batch batch_of(const std::vector<Row>& rows, std::size_t from, std::size_t to) {
  arrow::Int64Builder keys, values;
  arrow::TimestampBuilder times(rows_schema()->field(2)->type(), arrow::default_memory_pool());
  for (std::size_t i = from; i < to; ++i) {
    REQUIRE(keys.Append(rows[i].key).ok());
    REQUIRE(values.Append(rows[i].value).ok());
    REQUIRE(times.Append(rows[i].time).ok());
  }
  return Batch(arrow::RecordBatch::Make(rows_schema(), static_cast<std::int64_t>(to - from),
                                        {*keys.Finish(), *values.Finish(), *times.Finish()}));
}

Table table_of(const std::vector<Row>& rows, std::uint64_t seed) {
  Random random(seed);
  Table table;
  for (std::size_t at = 0; at < rows.size();) {
    const std::size_t end = std::min(rows.size(), at + 1 + random.below(40));
    table.push_back(batch_of(rows, at, end));
    at = end;
  }
  return table;
}

Json window_options(const Span& span) {
  return {{"size", fmt::format("{}s", span.size / second)},
          {"slide", fmt::format("{}s", span.slide / second)},
          {"group_by", {"key"}},
          {"select", {{"rows", "count(*)"}, {"total", "sum(value)"}}}};
}

void count(Windows& windows, const Row& row, const Span& span, std::int64_t sign) {
  for (std::int64_t end = row.time / span.slide * span.slide + span.size; end > row.time;
       end -= span.slide) {
    Counted& counted = windows[{end, row.key}];
    counted.rows += sign;
    counted.total += sign * row.value;
    if (counted.rows == 0) windows.erase({end, row.key});
  }
}

Windows fold(const std::vector<Row>& rows, const Span& span) {
  Windows windows;
  for (const Row& row : rows) count(windows, row, span);
  return windows;
}

Json session_options(std::int64_t gap) {
  return {{"gap", fmt::format("{}us", gap)},
          {"group_by", {"key"}},
          {"select", {{"rows", "count(*)"}, {"total", "sum(value)"}}}};
}

Sessions fold_sessions(std::vector<Row> rows, std::int64_t gap) {
  std::sort(rows.begin(), rows.end());
  std::map<std::int64_t, std::pair<std::int64_t, Session>> open;  // by key, with the last time
  Sessions sessions;
  const auto put_out = [&](std::int64_t key, const std::pair<std::int64_t, Session>& session) {
    sessions[{session.first + gap, key}] = session.second;
  };
  for (const Row& row : rows) {
    auto found = open.find(row.key);
    if (found != open.end() && row.time - found->second.first >= gap) {
      put_out(row.key, found->second);
      open.erase(found);
      found = open.end();
    }
    if (found == open.end()) found = open.insert({row.key, {row.time, {row.time, {}}}}).first;
    auto& [last, session] = found->second;
    last = row.time;
    ++session.counted.rows;
    session.counted.total += row.value;
  }
  for (const auto& [key, session] : open) put_out(key, session);
  return sessions;
}

Sessions sessions_of(const Table& table) {
  Sessions sessions;
  for (const Batch& batch : table) {
    for (std::int64_t i = 0; i < batch.rows(); ++i) {
      const auto [place, fresh] =
          sessions.insert({{number(batch, "window_end", i), number(batch, "key", i)},
                           {number(batch, "window_start", i),
                            {number(batch, "rows", i), number(batch, "total", i)}}});
      INFO("session of key " << place->first.second << " that ends at " << place->first.first);
      CHECK(fresh);
    }
  }
  return sessions;
}

std::int64_t number(const Batch& batch, const std::string& column, std::int64_t row) {
  return batch.columns()->GetColumnByName(column)->data()->GetValues<std::int64_t>(1)[row];
}

std::vector<Row> rows_of(const Table& table) {
  std::vector<Row> rows;
  for (const Batch& batch : table) {
    CHECK(batch.columns()->num_columns() == 3);
    for (std::int64_t i = 0; i < batch.rows(); ++i) {
      rows.push_back({number(batch, "at", i), number(batch, "key", i), number(batch, "value", i)});
    }
  }
  return rows;
}

}  // namespace troupe
