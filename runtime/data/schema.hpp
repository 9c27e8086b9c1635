#pragma once

#include <memory>

namespace arrow {
class Schema;
class Field;
class DataType;
class RecordBatch;
class Array;
class MemoryPool;
}  // namespace arrow

namespace troupe {

/// The columns of a stream: names and Arrow types, shared and never changed.
/// Column names are unique within a schema; the planner refuses operators that would break this.
using SchemaPtr = std::shared_ptr<arrow::Schema>;

}  // namespace troupe
