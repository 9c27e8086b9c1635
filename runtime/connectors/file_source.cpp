#include "runtime/connectors/file_source.hpp"

#include "runtime/base/json.hpp"
#include "runtime/base/json_text.hpp"
#include "runtime/connectors/file_log.hpp"
#include "runtime/connectors/followed_files.hpp"
#include "runtime/connectors/partitions.hpp"
#include "runtime/data/arrow_result.hpp"
#include "runtime/data/take.hpp"
#include "runtime/formats/column_types.hpp"
#include "runtime/formats/damage.hpp"
#include "runtime/formats/scalar_order.hpp"
#include "runtime/os/file_pattern.hpp"

#include <arrow/array.h>
#include <arrow/array/util.h>
#include <arrow/compute/api.h>
#include <arrow/record_batch.h>
#include <arrow/scalar.h>
#include <arrow/type.h>

#include <algorithm>
#include <functional>
#include <limits>

namespace troupe {
namespace {

std::string detail_of(const FilePart& part, const std::string& version) {
  return json_text({{"path", part.path},
                    {"first", part.first},
                    {"count", part.count},
                    {"file_bytes", part.file_bytes},
                    {"version", version}});
}

/// The parts of a file are cut once and read at other times, by other nodes, maybe twice: all must
/// see the same bytes, or the rows would be a mix of two files that never were.
Result<> check_unchanged(FileSystem& files, const std::string& path, const std::string& version) {
  if (TRY(files.version(path)) == version) return {};
  Error error = make_error(ErrorCode::invalid_argument,
                           "'{}' was changed while the job was reading it", path);
  error.hint = "run it again; whoever writes the file should do so beside it, and rename it then";
  return error;
}

/// A part, and the version of its file when it was cut.
struct CutPart {
  FilePart part;
  std::string version;
};

Result<CutPart> part_of(const Split& split) {
  const Json detail = Json::parse(split.detail, nullptr, /*allow_exceptions=*/false);
  const auto number = [&](const char* key) {
    return detail.is_object() && detail.contains(key) && detail[key].is_number_integer();
  };
  const bool complete = number("first") && number("count") && number("file_bytes") &&
                        detail.contains("path") && detail["path"].is_string() &&
                        detail.contains("version") && detail["version"].is_string();
  if (!complete) return make_error(ErrorCode::corrupt, "'{}' is no split of a file", split.detail);
  FilePart part;
  part.path = detail["path"];
  part.first = detail["first"];
  part.count = detail["count"];
  part.file_bytes = detail["file_bytes"];
  part.bytes = split.bytes;
  part.rows = split.rows;
  return CutPart{std::move(part), detail["version"]};
}

class PartReader final : public BatchReader {
 public:
  PartReader(FileSystem& files, std::unique_ptr<BatchReader> batches, std::string path,
             std::string version)
      : files_(files),
        batches_(std::move(batches)),
        path_(std::move(path)),
        version_(std::move(version)) {}
  Result<Batch> next() override {
    auto batch = reading(path_, [&] { return batches_->next(); });
    // An error, too, may be the fault of who writes to the file; at the end all has been read.
    if (!batch || !*batch) TRY(check_unchanged(files_, path_, version_));
    return batch;
  }
  SkippedRows skipped() const override { return batches_->skipped(); }

 private:
  FileSystem& files_;
  const std::unique_ptr<BatchReader> batches_;
  const std::string path_;
  const std::string version_;
};

/// Makes the columns of the source out of those that one file has: casts what is narrower there,
/// and adds what is the same for all its rows.
class ShapedReader final : public BatchReader {
 public:
  /// `constants` by column of `columns`; null where the file has the column.
  ShapedReader(std::string path, SchemaPtr columns,
               std::vector<std::shared_ptr<arrow::Scalar>> constants,
               std::unique_ptr<BatchReader> batches)
      : path_(std::move(path)),
        columns_(std::move(columns)),
        constants_(std::move(constants)),
        batches_(std::move(batches)) {}

  Result<Batch> next() override {
    const Batch found = TRY(batches_->next());
    if (!found) return Batch();
    arrow::ArrayVector columns;
    for (int i = 0; i < columns_->num_fields(); ++i) {
      const auto& field = columns_->field(i);
      const auto& constant = constants_[static_cast<std::size_t>(i)];
      if (constant != nullptr) {
        columns.push_back(TRY(arrow_try(arrow::MakeArrayFromScalar(*constant, found.rows()))));
        continue;
      }
      const auto column = found.columns()->GetColumnByName(field->name());
      ENSURE(column != nullptr, "'{}' was read without '{}'", path_, field->name());
      columns.push_back(TRY(widened(column, *field)));
    }
    return Batch(arrow::RecordBatch::Make(columns_, found.rows(), std::move(columns)));
  }

  SkippedRows skipped() const override { return batches_->skipped(); }

 private:
  Result<std::shared_ptr<arrow::Array>> widened(const std::shared_ptr<arrow::Array>& column,
                                                const arrow::Field& field) const {
    if (logical_type(column->type())->Equals(*field.type())) return column;
    const auto wide = arrow::compute::Cast(*TRY(plain(column)), field.type());
    if (wide.ok()) return *wide;
    return make_error(ErrorCode::invalid_argument, "'{}', column '{}': {}", path_, field.name(),
                      wide.status().message());
  }

  const std::string path_;
  const SchemaPtr columns_;
  const std::vector<std::shared_ptr<arrow::Scalar>> constants_;
  const std::unique_ptr<BatchReader> batches_;
};

/// False where a value can not satisfy a bound.
bool satisfies(const arrow::Scalar& value, const ColumnBound& bound) {
  if (bound.literal == nullptr || !bound.literal->is_valid) return true;
  if (!value.is_valid) return false;
  const auto order = scalar_order(value, *bound.literal);
  if (!order) return true;
  switch (bound.comparison) {
    case Comparison::equal:
      return *order == 0;
    case Comparison::not_equal:
      return *order != 0;
    case Comparison::less:
      return *order < 0;
    case Comparison::less_equal:
      return *order <= 0;
    case Comparison::greater:
      return *order > 0;
    case Comparison::greater_equal:
      return *order >= 0;
  }
  return true;
}

/// Parts of a file, one after the other.
class WholeFile final : public BatchReader {
 public:
  using Open = std::function<Result<std::unique_ptr<BatchReader>>(const Split&)>;

  WholeFile(Open open, std::vector<Split> parts)
      : open_(std::move(open)), parts_(std::move(parts)) {}

  Result<Batch> next() override {
    for (; next_ < parts_.size(); ++next_) {
      if (!part_) part_ = TRY(open_(parts_[next_]));
      const Batch batch = TRY(part_->next());
      if (batch) return batch;
      skipped_.add(part_->skipped());
      part_.reset();
    }
    return Batch();
  }
  SkippedRows skipped() const override { return skipped_; }

 private:
  const Open open_;
  const std::vector<Split> parts_;
  std::size_t next_ = 0;
  std::unique_ptr<BatchReader> part_;
  SkippedRows skipped_;
};

bool is_in(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

/// What of the request one file is asked for: not the columns that its path tells, nor those that
/// it lacks.
Result<ReadRequest> FileSource::request_of(const std::string& path) const {
  arrow::FieldVector fields;
  for (const auto& field : request_.schema->fields()) {
    if (!is_in(table_.partitions, field->name())) fields.push_back(field);
  }
  auto schema = arrow::schema(std::move(fields));
  if (table_.unite) schema = TRY(format_->columns_in(path, schema));
  return narrowed(request_, schema);
}

/// False where the names of its directories rule a file out.
Result<bool> FileSource::may_match(const std::string& path) const {
  for (const ColumnBound& bound : request_.bounds) {
    const auto& field = request_.schema->field(bound.column);
    if (!is_in(table_.partitions, field->name())) continue;
    if (!satisfies(*TRY(partition_value(path, *field)), bound)) return false;
  }
  return true;
}

Result<std::vector<Split>> FileSource::splits(std::uint32_t wanted) {
  const auto paths = TRY(find_committed_files(files_, table_.pattern));
  std::int64_t bytes = 0;
  for (const std::string& path : paths) {
    bytes += static_cast<std::int64_t>(TRY(files_.size(path)));
  }
  const std::int64_t part_bytes = std::clamp(bytes / (std::int64_t{wanted} * parts_a_subtask + 1),
                                             part_bytes_min, part_bytes_max);
  if (table_.hive) TRY(partition_columns(paths, {}, table_.unite));
  std::vector<Split> splits;
  for (const std::string& path : paths) {
    if (!TRY(may_match(path))) continue;
    const std::string version = TRY(files_.version(path));
    ReadRequest request = TRY(request_of(path));
    request.first_file = paths.front();
    for (Split& part : TRY(parts_of(path, version, request, part_bytes))) {
      splits.push_back(std::move(part));
    }
  }
  return splits;
}

Result<std::vector<Split>> FileSource::parts_of(const std::string& path, const std::string& version,
                                                const ReadRequest& request,
                                                std::int64_t part_bytes) const {
  const auto parts = TRY(reading(path, [&] { return format_->parts(path, request, part_bytes); }));
  std::vector<Split> splits;
  for (const FilePart& part : parts) {
    splits.push_back({.detail = detail_of(part, version), .bytes = part.bytes, .rows = part.rows});
  }
  return splits;
}

std::unique_ptr<SplitSequence> FileSource::sequence(const SubtaskOf& self,
                                                    const SplitPosition& from) {
  if (!table_.follow) return nullptr;
  return std::make_unique<FollowedFiles>(files_, table_.pattern, self, from);
}

Result<std::unique_ptr<BatchReader>> FileSource::open_whole(const std::string& path,
                                                            const std::string& version) {
  TRY(check_unchanged(files_, path, version));
  ReadRequest request = TRY(request_of(path));
  request.first_file = table_.pattern;
  constexpr std::int64_t no_cuts = std::numeric_limits<std::int64_t>::max();
  auto parts = TRY(parts_of(path, version, request, no_cuts));
  const auto open = [this](const Split& part) { return open_part(part, {}); };
  return std::unique_ptr<BatchReader>(std::make_unique<WholeFile>(open, std::move(parts)));
}

Result<std::unique_ptr<BatchReader>> FileSource::open_narrowed(const Split& split,
                                                               const ColumnTests& tests) {
  if (table_.follow) {
    const Json detail = Json::parse(split.detail);
    return open_whole(detail.at("path"), detail.at("version"));
  }
  return open_part(split, tests);
}

Result<std::unique_ptr<BatchReader>> FileSource::open_part(const Split& split,
                                                           const ColumnTests& tests) {
  const auto [part, version] = TRY(part_of(split));
  TRY(check_unchanged(files_, part.path, version));
  ReadRequest request = TRY(request_of(part.path));
  request.tests = tests;
  auto opened = reading(part.path, [&, &part = part] { return format_->open(part, request); });
  if (!opened) TRY(check_unchanged(files_, part.path, version));
  auto batches = TRY(std::move(opened));
  const SchemaPtr columns = TRY(select_columns(request_.schema, request_.columns));
  const SchemaPtr there = TRY(select_columns(request.schema, request.columns));
  if (!there->Equals(*columns)) {
    std::vector<std::shared_ptr<arrow::Scalar>> constants;
    for (const auto& field : columns->fields()) {
      if (there->GetFieldByName(field->name()) != nullptr) {
        constants.push_back(nullptr);
      } else if (is_in(table_.partitions, field->name())) {
        constants.push_back(TRY(partition_value(part.path, *field)));
      } else {
        constants.push_back(arrow::MakeNullScalar(field->type()));
      }
    }
    batches = std::make_unique<ShapedReader>(part.path, columns, std::move(constants),
                                             std::move(batches));
  }
  return std::unique_ptr<BatchReader>(
      std::make_unique<PartReader>(files_, std::move(batches), part.path, version));
}

}  // namespace troupe
