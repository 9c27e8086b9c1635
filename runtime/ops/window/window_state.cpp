#include "runtime/ops/window/window_state.hpp"

#include "runtime/data/arrow_result.hpp"
#include "runtime/ops/aggregate/group_states.hpp"

#include <arrow/array.h>
#include <arrow/buffer.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <algorithm>
#include <utility>
#include <vector>

namespace troupe {
namespace {

constexpr const char* until_column = "#until";

Batch with_until(const StateTable& table, const Batch& states, std::vector<std::int64_t> until) {
  auto columns = states.columns()->columns();
  columns.insert(columns.begin(), std::make_shared<arrow::TimestampArray>(
                                      table.schema->field(0)->type(), states.rows(),
                                      arrow::Buffer::FromVector(std::move(until))));
  return Batch(arrow::RecordBatch::Make(table.schema, states.rows(), std::move(columns)));
}

/// A row is of no use when the time has reached the end of its last window.
std::int64_t until(const WindowSpan& span, std::int64_t slice) { return span.last_end(slice) - 1; }

Result<std::vector<Batch>> add_up(const StateTable& table, const WindowSpan& span,
                                  const std::shared_ptr<const Aggregation>& by_slice,
                                  const std::vector<Batch>& rows) {
  GroupStates sums = TRY(GroupStates::make(by_slice));
  for (const Batch& batch : rows) TRY(sums.merge(TRY(states_of(batch))));
  std::vector<Batch> all;
  GroupStates::Cursor cursor;
  for (Batch states = TRY(sums.next_states(cursor)); states;
       states = TRY(sums.next_states(cursor))) {
    const auto* slices = states.columns()->column_data(0)->GetValues<std::int64_t>(1);
    std::vector<std::int64_t> ends;
    for (std::int64_t row = 0; row < states.rows(); ++row) ends.push_back(until(span, slices[row]));
    all.push_back(with_until(table, states, std::move(ends)));
  }
  return all;
}

}  // namespace

std::shared_ptr<const StateTable> slices_table(const WindowSpan& span,
                                               std::shared_ptr<const Aggregation> by_slice) {
  StateTable table;
  table.name = "slices";
  arrow::FieldVector fields = by_slice->partial->fields();
  for (std::size_t i = 1; i < by_slice->key_count(); ++i) table.key.push_back(fields[i]->name());
  fields.insert(fields.begin(),
                arrow::field(until_column, arrow::timestamp(arrow::TimeUnit::MICRO), false));
  table.schema = arrow::schema(std::move(fields));
  table.expires_by = until_column;
  table.merge = StateMerge::accumulate;
  table.accumulate = [declared = table, span, by_slice](const std::vector<Batch>& rows) {
    return add_up(declared, span, by_slice, rows);
  };
  return std::make_shared<const StateTable>(std::move(table));
}

const std::shared_ptr<const StateTable>& closed_table() {
  static const auto made = [] {
    StateTable table;
    table.name = "closed";
    table.schema =
        arrow::schema({arrow::field("end", arrow::timestamp(arrow::TimeUnit::MICRO), false)});
    table.owner = StateOwner::task;
    return std::make_shared<const StateTable>(std::move(table));
  }();
  return made;
}

Batch closed_row(std::int64_t end) {
  return Batch(arrow::RecordBatch::Make(closed_table()->schema, 1, {moments(end, 1)}));
}

std::int64_t last_closed(const Batch& rows, std::optional<std::int64_t> closed) {
  const auto& ends = static_cast<const arrow::TimestampArray&>(*rows.columns()->column(0));
  std::int64_t last = closed.value_or(INT64_MIN);
  for (std::int64_t row = 0; row < ends.length(); ++row) last = std::max(last, ends.Value(row));
  return last;
}

std::shared_ptr<arrow::Array> moments(std::int64_t moment, std::int64_t rows) {
  std::vector<std::int64_t> values(static_cast<std::size_t>(rows), moment);
  return std::make_shared<arrow::TimestampArray>(arrow::timestamp(arrow::TimeUnit::MICRO), rows,
                                                 arrow::Buffer::FromVector(std::move(values)));
}

Batch slice_rows(const StateTable& table, const WindowSpan& span, std::int64_t slice,
                 const Batch& states) {
  std::vector<std::int64_t> ends(static_cast<std::size_t>(states.rows()), until(span, slice));
  return with_until(table, states, std::move(ends));
}

Result<Batch> states_of(const Batch& slice_rows) {
  return Batch(TRY(arrow_try(slice_rows.columns()->RemoveColumn(0))));
}

}  // namespace troupe
