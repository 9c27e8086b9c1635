#include "runtime/operator/flow.hpp"

#include <arrow/array.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <algorithm>

namespace troupe {

std::string to_string(const Flow& flow) {
  if (!flow.stream) return flow.timed ? "table with event time" : "table";
  if (!flow.changes) return "stream of appends";
  if (!flow.key) return "stream of changes";
  if (flow.key->empty()) return "stream of changes of one row";
  return fmt::format("stream of changes by {}", fmt::join(*flow.key, ", "));
}

const WindowColumn* find_window(const Flow& flow, const std::string& column) {
  const auto found = std::find_if(flow.windows.begin(), flow.windows.end(),
                                  [&](const WindowColumn& each) { return each.name == column; });
  return found == flow.windows.end() ? nullptr : &*found;
}

Flow with_columns(Flow flow, const arrow::Schema& columns) {
  std::erase_if(flow.windows,
                [&](const WindowColumn& column) { return columns.GetFieldIndex(column.name) < 0; });
  const auto gone = [&](const std::string& name) { return columns.GetFieldIndex(name) < 0; };
  if (flow.key && std::ranges::any_of(*flow.key, gone)) flow.key.reset();
  return flow;
}

int hidden_columns(const Flow& flow) { return (flow.timed ? 1 : 0) + (flow.changes ? 1 : 0); }

SchemaPtr with_hidden(const SchemaPtr& visible, const Flow& flow) {
  if (hidden_columns(flow) == 0) return visible;
  arrow::FieldVector fields = visible->fields();
  if (flow.timed) {
    fields.push_back(arrow::field(time_column, arrow::timestamp(arrow::TimeUnit::MICRO), false));
  }
  if (flow.changes) fields.push_back(arrow::field(weight_column, arrow::int64(), false));
  return arrow::schema(std::move(fields));
}

void hand_on_hidden(const Batch& from, int hidden,
                    std::vector<std::shared_ptr<arrow::Array>>& columns) {
  const int all = from.columns()->num_columns();
  for (int i = all - hidden; i < all; ++i) columns.push_back(from.columns()->column(i));
}

Batch without_hidden(const Batch& batch, int hidden) {
  if (hidden == 0) return batch;
  const auto& columns = *batch.columns();
  const auto keep = static_cast<std::size_t>(columns.num_columns() - hidden);
  arrow::FieldVector fields = columns.schema()->fields();
  fields.resize(keep);
  std::vector<std::shared_ptr<arrow::Array>> arrays = columns.columns();
  arrays.resize(keep);
  return Batch(
      arrow::RecordBatch::Make(arrow::schema(std::move(fields)), batch.rows(), std::move(arrays)));
}

namespace {

std::span<const std::int64_t> words_of(const Batch& batch, int column) {
  return {batch.columns()->column_data(column)->GetValues<std::int64_t>(1),
          static_cast<std::size_t>(batch.rows())};
}

}  // namespace

std::span<const std::int64_t> times_of(const Batch& batch, const Flow& flow) {
  return words_of(batch, batch.columns()->num_columns() - hidden_columns(flow));
}

std::span<const std::int64_t> weights_of(const Batch& batch) {
  return words_of(batch, batch.columns()->num_columns() - 1);
}

}  // namespace troupe
