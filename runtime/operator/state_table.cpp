#include "runtime/operator/state_table.hpp"

#include "runtime/data/arrow_result.hpp"
#include "runtime/data/key_hash.hpp"

#include <arrow/array.h>
#include <arrow/array/util.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <algorithm>

namespace troupe {
namespace {

int column_of(const arrow::Schema& schema, const std::string& name) {
  return name.empty() ? -1 : schema.GetFieldIndex(name);
}

Error wrong(const StateTable& table, const std::string& why) {
  return make_error(ErrorCode::invalid_argument, "the state table '{}' {}", table.name, why);
}

Result<> check_key(const StateTable& table) {
  for (const std::string& name : table.key) {
    const int column = column_of(*table.schema, name);
    if (column < 0) return wrong(table, fmt::format("has no key column '{}'", name));
    const auto null =
        TRY(arrow_try(arrow::MakeArrayOfNull(table.schema->field(column)->type(), 1)));
    std::vector<std::uint64_t> hashes;
    if (const auto hashed = hash_keys({null}, 1, hashes); !hashed) {
      return hashed.error().within(fmt::format("key column '{}' of '{}'", name, table.name));
    }
  }
  return {};
}

Result<> check_weight(const StateTable& table) {
  const int column = table.weight();
  if (column < 0) {
    if (table.merge != StateMerge::weights) return {};
    return wrong(table, "merges by weights and has no column '#weight'");
  }
  if (column + 1 != table.schema->num_fields() ||
      table.schema->field(column)->type()->id() != arrow::Type::INT64) {
    return wrong(table, "must have '#weight' as its last column, an int64");
  }
  return {};
}

Result<> check_expiry(const StateTable& table) {
  if (table.expires_by.empty()) return {};
  const int column = table.expiry_column();
  if (column < 0) return wrong(table, fmt::format("has no column '{}'", table.expires_by));
  const auto& type = *table.schema->field(column)->type();
  if (type.id() != arrow::Type::TIMESTAMP ||
      static_cast<const arrow::TimestampType&>(type).unit() != arrow::TimeUnit::MICRO) {
    return wrong(table, fmt::format("expires by '{}', which is {} and no time in microseconds",
                                    table.expires_by, type.ToString()));
  }
  return {};
}

}  // namespace

const char* to_string(StateMerge merge) {
  switch (merge) {
    case StateMerge::last:
      return "last";
    case StateMerge::weights:
      return "weights";
    case StateMerge::accumulate:
      return "accumulate";
  }
  return "accumulate";
}

const char* to_string(StateOwner owner) {
  return owner == StateOwner::key_groups ? "key_groups" : "task";
}

Result<> StateTable::check() const {
  if (name.empty()) return wrong(*this, "has no name");
  if (schema == nullptr || schema->num_fields() == 0) return wrong(*this, "has no columns");
  TRY(check_key(*this));
  TRY(check_weight(*this));
  TRY(check_expiry(*this));
  if ((merge == StateMerge::accumulate) != static_cast<bool>(accumulate)) {
    return wrong(*this, "needs a function where it accumulates, and only there");
  }
  if (owner == StateOwner::task && merge != StateMerge::last) {
    return wrong(*this, "belongs to its task, so nothing merges its rows");
  }
  return {};
}

std::vector<int> StateTable::key_columns() const {
  std::vector<int> columns;
  for (const std::string& name : key) columns.push_back(column_of(*schema, name));
  return columns;
}

int StateTable::expiry_column() const { return column_of(*schema, expires_by); }

int StateTable::weight() const { return column_of(*schema, weight_column); }

bool StateTable::expires_as_one() const {
  return merge == StateMerge::weights || std::find(key.begin(), key.end(), expires_by) != key.end();
}

Result<> hash_rows_of(const StateTable& table, const Batch& rows, std::vector<std::uint64_t>& out) {
  return hash_keys(rows, table.key_columns(), out);
}

Batch rows_of(const StateTable& table, const Batch& rows) {
  const auto& columns = *rows.columns();
  ENSURE(columns.num_columns() == table.schema->num_fields(), "rows of {} columns for '{}' of {}",
         columns.num_columns(), table.name, table.schema->num_fields());
  arrow::FieldVector fields;
  for (int i = 0; i < columns.num_columns(); ++i) {
    const auto& type = columns.column(i)->type();
    const auto& declared = table.schema->field(i);
    ENSURE(logical_type(type)->Equals(*declared->type()), "'{}' of '{}' is {}, a row has {}",
           declared->name(), table.name, declared->type()->ToString(), type->ToString());
    fields.push_back(arrow::field(declared->name(), type));
  }
  const int weight = table.weight();
  ENSURE(weight < 0 || columns.column(weight)->null_count() == 0, "a row of '{}' without weight",
         table.name);
  return Batch(
      arrow::RecordBatch::Make(arrow::schema(std::move(fields)), rows.rows(), columns.columns()));
}

}  // namespace troupe
