#include "runtime/operator/flow.hpp"

#include <arrow/array.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

namespace troupe {

const char* to_string(const Flow& flow) {
  if (flow.stream) return "stream";
  return flow.timed ? "table with event time" : "table";
}

int hidden_columns(const Flow& flow) { return flow.timed ? 1 : 0; }

SchemaPtr with_hidden(const SchemaPtr& visible, const Flow& flow) {
  if (!flow.timed) return visible;
  arrow::FieldVector fields = visible->fields();
  fields.push_back(arrow::field(time_column, arrow::timestamp(arrow::TimeUnit::MICRO), false));
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

std::span<const std::int64_t> times_of(const Batch& batch) {
  const auto& columns = *batch.columns();
  const auto& times =
      static_cast<const arrow::TimestampArray&>(*columns.column(columns.num_columns() - 1));
  return {times.raw_values(), static_cast<std::size_t>(times.length())};
}

}  // namespace troupe
