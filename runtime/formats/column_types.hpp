#pragma once

#include "runtime/base/result.hpp"
#include "runtime/data/batch.hpp"
#include "runtime/data/schema.hpp"

#include <string>
#include <vector>

namespace troupe {

// Files hold more types than the runtime carries. A reader maps what means the same (large_utf8 and
// utf8_view are utf8, a dictionary is what it encodes, half floats are floats) and refuses what has
// no equal, so that operators meet one type for one meaning.

/// The logical schema of a file: names are unique, every type is one that batches may have.
/// `file` is named in errors.
Result<SchemaPtr> runtime_schema(const arrow::Schema& found, const std::string& file);

/// Marks a column in which only nulls have been seen, so that its type is no more than a guess.
std::shared_ptr<arrow::Field> unseen(const std::shared_ptr<arrow::Field>& field);
bool is_unseen(const arrow::Field& field);

/// A column of a file as `type`, which is the one `runtime_schema` gave it. Strings stay
/// `dictionary<int32, utf8>` where the file has a dictionary.
Result<std::shared_ptr<arrow::Array>> as_runtime_column(
    const std::shared_ptr<arrow::Array>& column, const std::shared_ptr<arrow::DataType>& type);

/// A batch with every dictionary decoded: for formats that cannot hold them.
Result<std::shared_ptr<arrow::RecordBatch>> without_dictionaries(const Batch& batch);

/// Error where a file of this format cannot hold a column: the first type in it, nested ones
/// included, for which `holds` is false. `format` and `others` are words for people: "CSV", "write
/// Parquet".
Result<> check_columns(const arrow::Schema& schema, const char* format,
                       bool (*holds)(const arrow::DataType&), const char* others);

/// The fields of `schema` named in `columns`, in that order; an unknown name is an error with the
/// nearest right one as hint and path "<index>".
Result<SchemaPtr> select_columns(const SchemaPtr& schema, const std::vector<std::string>& columns);

/// A type as users write it, in SQL: "bigint"; Arrow's name where SQL has none.
std::string type_name(const arrow::DataType& type);

}  // namespace troupe
