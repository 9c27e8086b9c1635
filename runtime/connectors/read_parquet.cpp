#include "runtime/connectors/bytes_as_text.hpp"
#include "runtime/connectors/file_source.hpp"
#include "runtime/formats/parquet_file.hpp"
#include "runtime/formats/value_tests.hpp"

#include <arrow/type.h>

#include <algorithm>
#include <map>
#include <mutex>
#include <numeric>

namespace troupe {
namespace {

/// Parquet files, in parts of whole row groups. Footers are read once: the subtasks of a node share
/// them.
class ParquetFormat final : public ReadFormat {
 public:
  using ReadFormat::ReadFormat;

  Result<FileInfo> inspect(const std::string& path) const override {
    const auto file = TRY(this->file(path));
    FileInfo info{.schema = file->schema(), .rows = 0, .bytes = file->size()};
    info.unreadable = file->unreadable();
    for (int i = 0; i < file->row_groups(); ++i) info.rows += file->rows(i);
    return info;
  }

  Result<SchemaPtr> columns_in(const std::string& path, const SchemaPtr& wanted) const override {
    return shared_columns(wanted, TRY(this->file(path))->schema());
  }

  Result<std::vector<FilePart>> parts(const std::string& path, const ReadRequest& request,
                                      std::int64_t part_bytes) const override {
    const auto file = TRY(this->file(path));
    TRY(check_same_columns(request, file->schema(), path));
    std::vector<FilePart> parts;
    for (int group = 0; group < file->row_groups(); ++group) {
      if (!file->may_match(group, request.schema, request.bounds)) continue;
      const std::int64_t bytes = TRY(file->bytes(group, request.columns));
      const bool follows = !parts.empty() && parts.back().first + parts.back().count == group;
      const bool small = follows && parts.back().bytes + bytes <= part_bytes &&
                         parts.back().rows + file->rows(group) <= batch_rows_max;
      if (!small) {
        parts.push_back({.path = path, .first = group, .rows = 0, .file_bytes = file->size()});
      }
      parts.back().count += 1;
      parts.back().bytes += bytes;
      parts.back().rows += file->rows(group);
    }
    return parts;
  }

  bool narrows() const override { return true; }

  Result<std::unique_ptr<BatchReader>> open(const FilePart& part,
                                            const ReadRequest& request) const override {
    const auto file = TRY(this->file(part.path));
    if (part.first < 0 || part.count < 0 || part.first + part.count > file->row_groups()) {
      return make_error(ErrorCode::conflict, "'{}' was replaced while the job was reading it",
                        part.path);
    }
    std::vector<int> groups(static_cast<std::size_t>(part.count));
    std::iota(groups.begin(), groups.end(), static_cast<int>(part.first));
    return file->read(std::move(groups), request.columns, tests_for(*file, request));
  }

 private:
  /// What can be asked of single values: of columns that the file has as the source has them.
  static ColumnTests tests_for(const ParquetFile& file, const ReadRequest& request) {
    ColumnTests tests = tests_of(request.bounds, *request.schema);
    tests.insert(tests.end(), request.tests.begin(), request.tests.end());
    std::erase_if(tests, [&](const ColumnTest& test) {
      const auto there = file.schema()->GetFieldByName(test.column);
      const auto wanted = request.schema->GetFieldByName(test.column);
      return there == nullptr || wanted == nullptr || !there->type()->Equals(*wanted->type());
    });
    return tests;
  }

  static constexpr std::size_t footers_max = 64;

  Result<std::shared_ptr<const ParquetFile>> file(const std::string& path) const {
    {
      std::lock_guard lock(mutex_);
      if (const auto known = footers_.find(path); known != footers_.end()) return known->second;
    }
    auto file = TRY(ParquetFile::open(files(), path));
    std::lock_guard lock(mutex_);
    if (footers_.size() >= footers_max) footers_.clear();
    footers_[path] = file;
    return file;
  }

  mutable std::mutex mutex_;
  mutable std::map<std::string, std::shared_ptr<const ParquetFile>> footers_;
};

std::vector<Parameter> parameters() {
  auto all = file_source_parameters(".parquet");
  all.push_back(bytes_as_parameter());
  return all;
}

class ReadParquet final : public OperatorKind {
 public:
  const OperatorDescription& description() const override { return description_; }

  Result<OperatorPlan> plan(const Options& options, const std::vector<PlanInput>&,
                            const PlanContext& context) const override {
    const auto format =
        TRY(bytes_as_text(options, std::make_shared<ParquetFormat>(*context.files)));
    return plan_file_source(description_, options, context, format);
  }

 private:
  const OperatorDescription description_ = {
      .name = "read.parquet",
      .summary = "Reads the rows of Parquet files.",
      .role = OperatorRole::source,
      .inputs_min = 0,
      .inputs_max = 0,
      .parameters = parameters(),
      .example = R"(flights:
  op: read.parquet
  with:
    path: data/flights-*.parquet
    columns: [carrier, origin, delay]
)",
      .notes =
          "Row groups are read in parallel. Only the columns that the job uses are read, and "
          "row groups are skipped where their statistics show that a filter right after the "
          "source would drop all their rows.",
      .guarantee = Guarantee::exactly_once,
  };
};

}  // namespace

void register_read_parquet(OperatorRegistry& registry) {
  registry.add(std::make_unique<ReadParquet>());
}

}  // namespace troupe
