#pragma once

#include "runtime/data/take.hpp"
#include "runtime/operator/state_table.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/rows.hpp"

#include <arrow/array.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <map>
#include <optional>

namespace troupe::state_test {

inline EventTime at(std::int64_t time) { return EventTime(EventTime::duration(time)); }

/// A row of any of the tables, and what tells it apart from others.
struct Row {
  std::optional<int> text;
  int number = 0;
  std::int64_t value = 0;
  std::optional<std::int64_t> time;
  std::int64_t weight = 1;

  std::string json() const {
    return fmt::format(R"({{"s": {}, "n": {}, "v": {}, "t": {}, "#weight": {}}})",
                       text ? fmt::format("\"text {}\"", *text) : "null", number, value,
                       time ? std::to_string(*time) : "null", weight);
  }
  std::string key() const { return fmt::format("{}/{}", text.value_or(-1), number); }
};

inline SchemaPtr schema(bool weighted) {
  arrow::FieldVector fields = {arrow::field("s", arrow::utf8()), arrow::field("n", arrow::int64()),
                               arrow::field("v", arrow::int64()),
                               arrow::field("t", arrow::timestamp(arrow::TimeUnit::MICRO))};
  if (weighted) fields.push_back(arrow::field("#weight", arrow::int64()));
  return arrow::schema(std::move(fields));
}

inline Batch batch_of(const std::vector<Row>& rows, bool weighted) {
  std::string json;
  for (const Row& row : rows) json += (json.empty() ? "[" : ", ") + row.json();
  const Batch all = rows_from(schema(true), json.empty() ? "[]" : json + "]");
  return weighted ? all : Batch(all.columns()->RemoveColumn(4).ValueOrDie());
}

inline std::vector<std::string> lines(const std::vector<Row>& rows, bool weighted) {
  return sorted_lines_of({batch_of(rows, weighted)});
}

/// Sums `v` by key, time and all: what a partial aggregate would do.
inline Result<std::vector<Batch>> sums(const std::vector<Batch>& rows) {
  std::map<std::string, Row> sums;
  for (const Batch& batch : rows) {
    const auto texts = plain(batch.columns()->column(0)).value();
    const auto words = [&](int column, std::int64_t i) {
      return batch.columns()->column_data(column)->GetValues<std::int64_t>(1)[i];
    };
    for (std::int64_t i = 0; i < batch.rows(); ++i) {
      Row row;
      if (!texts->IsNull(i)) {
        row.text = std::stoi(static_cast<const arrow::StringArray&>(*texts).GetString(i).substr(5));
      }
      row.number = static_cast<int>(words(1, i));
      if (!batch.columns()->column(3)->IsNull(i)) row.time = words(3, i);
      Row& sum = sums.try_emplace(row.key() + fmt::format("/{}", row.time.value_or(-1)), row)
                     .first->second;
      sum.value += words(2, i);
    }
  }
  std::vector<Row> all;
  for (const auto& [key, row] : sums) all.push_back(row);
  return std::vector<Batch>{batch_of(all, false)};
}

inline std::shared_ptr<const StateTable> table(std::string name, bool weighted,
                                               std::vector<std::string> key, StateMerge merge,
                                               std::string expires_by = {},
                                               StateOwner owner = StateOwner::key_groups) {
  StateTable made{
      std::move(name), schema(weighted), std::move(key), merge, owner, std::move(expires_by), {}};
  if (merge == StateMerge::accumulate) made.accumulate = sums;
  REQUIRE(made.check().ok());
  return std::make_shared<StateTable>(std::move(made));
}

inline std::vector<OperatorTable> tables() {
  return {
      {"a", table("changes", true, {"s", "n"}, StateMerge::last, "t")},
      {"a", table("rows", false, {"n"}, StateMerge::last)},
      {"b", table("changes", true, {"s"}, StateMerge::weights, "t")},
      {"b", table("sums", false, {"s", "n", "t"}, StateMerge::accumulate, "t")},
      {"c", table("once", true, {}, StateMerge::weights)},
      {"c", table("positions", false, {"n"}, StateMerge::last, "", StateOwner::task)},
  };
}

inline std::string identity(const StateTable& table, const Row& row) {
  if (table.merge == StateMerge::weights) {
    return fmt::format("{}/{}/{}", row.key(), row.value, row.time.value_or(-1));
  }
  if (table.merge == StateMerge::accumulate) {
    return fmt::format("{}/{}", row.key(), row.time.value_or(-1));
  }
  return table.key.size() == 1 ? std::to_string(row.number) : row.key();
}

/// What a table holds, by the rules and nothing else.
class Oracle {
 public:
  void add(const StateTable& table, const Row& row) {
    const auto [at, added] = rows_.try_emplace(identity(table, row), row);
    if (added) return;
    if (table.merge == StateMerge::last) at->second = row;
    if (table.merge == StateMerge::weights) at->second.weight += row.weight;
    if (table.merge == StateMerge::accumulate) at->second.value += row.value;
  }
  void clear() { rows_.clear(); }

  std::vector<Row> rows(const StateTable& table, std::int64_t watermark) const {
    std::vector<Row> left;
    for (const auto& [key, row] : rows_) {
      const bool expired = !table.expires_by.empty() && row.time && *row.time < watermark;
      const bool deleted = table.weight() >= 0 && table.merge == StateMerge::last && row.weight < 0;
      const bool none = table.merge == StateMerge::weights && row.weight == 0;
      if (!expired && !deleted && !none) left.push_back(row);
    }
    return left;
  }

 private:
  std::map<std::string, Row> rows_;
};

}  // namespace troupe::state_test
