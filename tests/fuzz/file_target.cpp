#include "tests/fuzz/file_target.hpp"

#include "runtime/base/json.hpp"
#include "runtime/connectors/connectors.hpp"
#include "runtime/data/arrow_result.hpp"
#include "runtime/formats/column_types.hpp"
#include "runtime/formats/null_values.hpp"
#include "runtime/operator/operator_kind.hpp"
#include "runtime/operator/source.hpp"
#include "runtime/os/random.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/support/typed_rows.hpp"

#include <arrow/array.h>
#include <arrow/record_batch.h>
#include <arrow/table.h>
#include <arrow/type.h>

#include <fstream>
#include <iterator>
#include <sys/resource.h>

namespace troupe {
namespace {

/// Of the process, whatever the files have claimed so far.
constexpr long resident_kib_max = 1L << 20;

struct Rows {
  SchemaPtr schema;
  std::vector<Batch> batches;
};

const OperatorKind& kind_of(const std::string& op) {
  static const OperatorRegistry registry = [] {
    OperatorRegistry all(system_files());
    register_connectors(all);
    return all;
  }();
  const OperatorKind* kind = registry.find(op);
  ENSURE(kind != nullptr, "no operator '{}'", op);
  return *kind;
}

void check_batch(const Batch& batch) {
  ENSURE(batch.rows() > 0 && batch.rows() <= batch_rows_max, "{} rows", batch.rows());
  const arrow::Status sound = batch.columns()->ValidateFull();
  ENSURE(sound.ok(), "rows that are not sound: {}", sound.message());
}

/// As a job reads it: planned, split, and each split opened.
Result<Rows> read_as_job(const std::string& op, const std::string& path) {
  const OperatorKind& kind = kind_of(op);
  const Options options = TRY(Options::make(kind.description(), Json{{"path", path}}));
  const OperatorPlan plan = TRY(kind.plan(options, {}, {.files = &system_files()}));
  const auto source = TRY(plan.phases.front().make_source());
  Rows rows{plan.output(), {}};
  for (const Split& split : TRY(source->splits(2))) {
    const auto reader = TRY(source->open(split));
    while (const Batch batch = TRY(reader->next())) {
      check_batch(batch);
      rows.batches.push_back(batch);
    }
  }
  return rows;
}

void check_refusal(const Error& error, const std::string& path) {
  const bool of_user =
      error.code == ErrorCode::invalid_argument || error.code == ErrorCode::unsupported;
  ENSURE(of_user, "refused as if another attempt could help: {}", error.to_string());
  ENSURE(error.message.find(path) != std::string::npos, "no file in: {}", error.to_string());
}

/// Columns of the reference, as the types that ours have.
Result<Batch> as_rows(const arrow::Table& table, const SchemaPtr& schema) {
  const auto whole = TRY(arrow_try(table.CombineChunksToBatch()));
  arrow::ArrayVector columns;
  for (const auto& field : schema->fields()) {
    const auto column = whole->GetColumnByName(field->name());
    ENSURE(column != nullptr, "the reference has no column '{}'", field->name());
    columns.push_back(TRY(as_runtime_column(with_empty_nulls(column), field->type())));
  }
  const Batch rows(arrow::RecordBatch::Make(schema, whole->num_rows(), std::move(columns)));
  return joined({rows}, schema);
}

void check_reference(const FileTarget& target, const std::string& path, const Rows& rows) {
  const SchemaPtr schema = rows.schema->RemoveMetadata();
  const auto table = target.reference(path, schema);
  ENSURE(table.ok(), "read, where the reference says: {}", table.status().ToString());
  const auto expected = as_rows(**table, schema);
  ENSURE(expected.ok(), "read, but not as the reference has it: {}", expected.error().to_string());
  const std::string differs = difference(*expected, joined(rows.batches, schema));
  ENSURE(differs.empty(), "not what the reference reads: {}", differs);
}

void check_memory() {
#ifndef __SANITIZE_ADDRESS__
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  ENSURE(usage.ru_maxrss < resident_kib_max, "{} KiB of memory are in use", usage.ru_maxrss);
#endif
}

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  ENSURE(file.good(), "no file '{}'", path);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

}  // namespace

int run_file_input(const FileTarget& target, const std::uint8_t* bytes, std::size_t size) {
  static const TempDir directory;
  const std::string path = directory.path() + "/input" + target.extension;
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(bytes), static_cast<std::streamsize>(size));
  const auto rows = read_as_job(target.op, path);
  if (rows) {
    check_reference(target, path, *rows);
  } else {
    check_refusal(rows.error(), path);
  }
  check_memory();
  return rows.ok() ? 0 : fuzz_refused;
}

std::string written_file(const std::function<void(const std::string& path)>& write) {
  const TempDir directory;
  const std::string path = directory.path() + "/sample";
  write(path);
  return read_file(path);
}

std::string data_file(const std::string& name) { return read_file(TROUPE_TEST_DATA "/" + name); }

Batch sample_rows(const std::vector<std::string>& columns, std::int64_t rows) {
  Random random(5);
  const auto schema = select_columns(every_type(), columns);
  ENSURE(schema.ok(), "{}", schema.error().to_string());
  return random_batch(*schema, rows, random);
}

}  // namespace troupe
