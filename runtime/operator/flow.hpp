#pragma once

#include "runtime/base/result.hpp"
#include "runtime/base/time.hpp"
#include "runtime/data/batch.hpp"
#include "runtime/data/hidden_columns.hpp"
#include "runtime/expr/expression.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace troupe {

/// A visible column that a window has made: it tells the event time of its row, which is so much
/// later (in microseconds). So rows that agree in it have the same time, and once the watermark has
/// passed that time there are no more of them.
struct WindowColumn {
  std::string name;
  std::int64_t to_time = 0;

  friend bool operator==(const WindowColumn&, const WindowColumn&) = default;
};

/// What travels along an edge besides the columns that users see. The planner makes it for sources
/// and hands it on by the operators' plans; `explain` shows it.
struct Flow {
  /// Rows that go on coming: no phase may wait for the last one. Else a table, read to its end.
  bool stream = false;
  /// Each row has an event time. In a stream, watermarks say how far it has come.
  bool timed = false;
  /// Each row has a weight: a negative one takes rows back that came before. Else rows are only
  /// ever appended.
  bool changes = false;
  /// Of changes: once all that come together are in, no two rows that are left agree in these
  /// columns (of none: there is one row). Nothing: nobody knows of such columns.
  std::optional<std::vector<std::string>> key = {};
  /// Of a stream with event time that only appends.
  std::vector<WindowColumn> windows = {};

  friend bool operator==(const Flow&, const Flow&) = default;
};

/// "table", "stream of appends", "stream of changes by account".
std::string to_string(const Flow& flow);

/// The window column of that name; null where it is none.
const WindowColumn* find_window(const Flow& flow, const std::string& column);
/// The same flow for rows that have only these columns: window columns that are gone are no more,
/// and neither is a key without all of its columns.
Flow with_columns(Flow flow, const arrow::Schema& columns);

/// How many hidden columns the batches of a flow have.
int hidden_columns(const Flow& flow);
/// The columns of the batches of a flow, hidden ones included.
SchemaPtr with_hidden(const SchemaPtr& visible, const Flow& flow);
/// The last `hidden` columns of a batch, behind the columns made of it.
void hand_on_hidden(const Batch& from, int hidden,
                    std::vector<std::shared_ptr<arrow::Array>>& columns);
/// A batch without its last `hidden` columns.
Batch without_hidden(const Batch& batch, int hidden);
/// The event times of a batch of a timed flow, in microseconds since 1970 UTC.
std::span<const std::int64_t> times_of(const Batch& batch, const Flow& flow = {.timed = true});
/// The weights of a batch of a flow of changes.
std::span<const std::int64_t> weights_of(const Batch& batch);

/// How a source's rows get their event time: `event_time` of a descriptor, bound.
struct EventTimePlan {
  Expression value;  ///< a timestamp, over the source's columns
  EventTime::duration max_out_of_order{0};
  /// A subtask that has no rows for so long holds nobody's time back until it has some again.
  std::optional<Duration> idle_after = {};
};

}  // namespace troupe
