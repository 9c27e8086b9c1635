#include "runtime/exec/task_point.hpp"

#include <arrow/array.h>
#include <arrow/buffer.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <algorithm>
#include <string>

namespace troupe {
namespace {

std::shared_ptr<const StateTable> table_of(std::string name, SchemaPtr schema) {
  StateTable table;
  table.name = std::move(name);
  table.schema = std::move(schema);
  table.owner = StateOwner::task;
  return std::make_shared<const StateTable>(std::move(table));
}

std::shared_ptr<arrow::Array> one(std::int64_t value) {
  return arrow::MakeArray(arrow::ArrayData::Make(
      arrow::int64(), 1, {nullptr, arrow::Buffer::FromVector(std::vector<std::int64_t>{value})},
      0));
}

std::shared_ptr<arrow::Array> one(const std::string& value) {
  const std::vector<std::int32_t> offsets = {0, static_cast<std::int32_t>(value.size())};
  return arrow::MakeArray(arrow::ArrayData::Make(
      arrow::utf8(), 1,
      {nullptr, arrow::Buffer::FromVector(offsets), arrow::Buffer::FromString(value)}, 0));
}

Batch row_of(const StateTable& table, std::vector<std::shared_ptr<arrow::Array>> columns) {
  return Batch(arrow::RecordBatch::Make(table.schema, 1, std::move(columns)));
}

std::int64_t value(const Batch& batch, int column, std::int64_t row) {
  return batch.columns()->column_data(column)->GetValues<std::int64_t>(1)[row];
}

std::string text(const Batch& batch, int column, std::int64_t row) {
  return static_cast<const arrow::StringArray&>(*batch.columns()->column(column)).GetString(row);
}

}  // namespace

const std::shared_ptr<const StateTable>& positions_table() {
  static const auto table =
      table_of("positions", arrow::schema({arrow::field("subtask", arrow::int64(), false),
                                           arrow::field("parallelism", arrow::int64(), false),
                                           arrow::field("split", arrow::int64(), false),
                                           arrow::field("rows", arrow::int64(), false),
                                           arrow::field("mark", arrow::utf8(), false)}));
  return table;
}

const std::shared_ptr<const StateTable>& time_table() {
  static const auto table = table_of(
      "time",
      arrow::schema({arrow::field("time", arrow::timestamp(arrow::TimeUnit::MICRO), false)}));
  return table;
}

Batch positions_row(const SplitPosition& position, const SubtaskOf& self) {
  const auto split = static_cast<std::int64_t>(position.split) * self.parallelism + self.subtask;
  return row_of(*positions_table(), {one(self.subtask), one(self.parallelism), one(split),
                                     one(position.rows), one(position.mark)});
}

Batch time_row(EventTime time) {
  const auto moment = one(time.time_since_epoch().count());
  return row_of(*time_table(), {moment->View(time_table()->schema->field(0)->type()).ValueOrDie()});
}

Result<std::optional<SplitPosition>> position_of(const std::vector<Batch>& rows,
                                                 const SubtaskOf& self) {
  std::optional<SplitPosition> position;
  for (const Batch& batch : rows) {
    for (std::int64_t row = 0; row < batch.rows(); ++row) {
      if (value(batch, 1, row) != self.parallelism) {
        return make_error(ErrorCode::unsupported,
                          "splits were read by {} subtasks, and now there are {}",
                          value(batch, 1, row), self.parallelism);
      }
      if (value(batch, 0, row) != self.subtask) continue;
      position = {static_cast<std::size_t>(value(batch, 2, row) / self.parallelism),
                  value(batch, 3, row), text(batch, 4, row)};
    }
  }
  return position;
}

EventTime time_of(const std::vector<Batch>& rows) {
  EventTime least = EventTime::max();
  bool any = false;
  for (const Batch& batch : rows) {
    for (std::int64_t row = 0; row < batch.rows(); ++row) {
      least = std::min(least, EventTime(EventTime::duration(value(batch, 0, row))));
      any = true;
    }
  }
  return any ? least : EventTime::min();
}

}  // namespace troupe
