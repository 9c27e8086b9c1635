#include "runtime/ops/columns.hpp"

#include <arrow/array.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

namespace troupe {

Batch make_batch(const SchemaPtr& schema, std::vector<std::shared_ptr<arrow::Array>> columns,
                 std::int64_t rows) {
  ENSURE(static_cast<int>(columns.size()) == schema->num_fields(), "{} columns for a schema of {}",
         columns.size(), schema->num_fields());
  SchemaPtr actual = schema;
  arrow::FieldVector fields = schema->fields();
  for (std::size_t i = 0; i < columns.size(); ++i) {
    ENSURE(columns[i]->length() == rows, "column '{}' has {} rows of {}", fields[i]->name(),
           columns[i]->length(), rows);
    if (columns[i]->type()->Equals(fields[i]->type())) continue;
    ENSURE(logical_type(columns[i]->type())->Equals(fields[i]->type()), "column '{}' is {}, not {}",
           fields[i]->name(), columns[i]->type()->ToString(), fields[i]->type()->ToString());
    fields[i] = fields[i]->WithType(columns[i]->type());
    actual = nullptr;
  }
  if (!actual) actual = arrow::schema(std::move(fields), schema->metadata());
  return Batch(arrow::RecordBatch::Make(std::move(actual), rows, std::move(columns)));
}

}  // namespace troupe
