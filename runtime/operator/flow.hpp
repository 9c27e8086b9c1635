#pragma once

#include "runtime/base/result.hpp"
#include "runtime/base/time.hpp"
#include "runtime/data/batch.hpp"
#include "runtime/data/hidden_columns.hpp"
#include "runtime/expr/expression.hpp"

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace troupe {

/// What travels along an edge besides the columns that users see. The planner makes it for sources
/// and hands it on by the operators' plans; `explain` shows it.
struct Flow {
  /// Rows that go on coming: no phase may wait for the last one. Else a table, read to its end.
  bool stream = false;
  /// Each row has an event time. In a stream, watermarks say how far it has come.
  bool timed = false;

  friend bool operator==(const Flow&, const Flow&) = default;
};

const char* to_string(const Flow& flow);

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
std::span<const std::int64_t> times_of(const Batch& batch);

/// How a source's rows get their event time: `event_time` of a descriptor, bound.
struct EventTimePlan {
  Expression value;  ///< a timestamp, over the source's columns
  EventTime::duration max_out_of_order{0};
};

}  // namespace troupe
