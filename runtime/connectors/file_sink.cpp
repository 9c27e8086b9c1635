#include "runtime/connectors/file_sink.hpp"

#include "runtime/base/json.hpp"
#include "runtime/base/json_text.hpp"
#include "runtime/connectors/partitioned_writer.hpp"
#include "runtime/connectors/partitions.hpp"
#include "runtime/formats/column_types.hpp"
#include "runtime/os/file_pattern.hpp"

#include <arrow/type.h>

#include <algorithm>

namespace troupe {
namespace {

/// Names below a directory, none of which leads out of it or is hidden.
bool stays_inside(const std::string& name) {
  if (name.empty() || name.back() == '/') return false;
  for (std::size_t begin = 0; begin <= name.size();) {
    const std::size_t end = std::min(name.find('/', begin), name.size());
    if (end == begin || name[begin] == '.') return false;
    begin = end + 1;
  }
  return true;
}

/// From bytes that have been stored and sent: names must stay inside their directories.
Result<StagedFile> staged_file(const std::string& detail) {
  const Json json = Json::parse(detail, nullptr, /*allow_exceptions=*/false);
  const auto text = [&](const char* key) {
    return json.is_object() && json.contains(key) && json[key].is_string()
               ? json[key].get<std::string>()
               : std::string();
  };
  StagedFile file{.staged = text("staged"), .name = text("name")};
  const bool inside = !file.staged.empty() && file.staged.find("..") == std::string::npos &&
                      file.staged[0] != '/' && stays_inside(file.name);
  if (!inside || !json.contains("bytes") || !json["bytes"].is_number_integer()) {
    return make_error(ErrorCode::corrupt, "'{}' is no staged file", detail);
  }
  file.bytes = json["bytes"];
  return file;
}

/// The file of one attempt, or in a stream one an epoch. The first subtask writes one even without
/// rows, so that the output always has a schema.
class FileSinkWriter final : public SinkWriter {
 public:
  FileSinkWriter(FileSystem& files, StagingPlace place, bool always, SchemaPtr schema,
                 std::shared_ptr<const WriteFormat> format)
      : files_(files),
        place_(std::move(place)),
        always_(always),
        schema_(std::move(schema)),
        format_(std::move(format)) {}

  /// What was not prepared nobody will commit, and a node that was out of reach when its run ended
  /// gives it up after everything else of the run is removed.
  ~FileSinkWriter() override {
    const bool begun = writer_ != nullptr;
    writer_.reset();
    if (prepared_ && !begun) return;
    static_cast<void>(files_.remove_all(prepared_ ? path() : place_.directory).ok());
  }

  Result<> write(const Batch& batch) override {
    TRY(create());
    rows_ += batch.rows();
    return writer_->write(batch);
  }

  Result<std::vector<Committable>> prepare(Epoch epoch) override {
    if (always_) TRY(create());
    if (writer_ == nullptr) return std::vector<Committable>();
    TRY(writer_->close());
    // The file's name, the attempt's, and the marker's: an attempt before may have died in between.
    std::string directory = place_.directory;
    for (int i = 0; i < 3; ++i, directory = parent_of(directory)) {
      TRY(files_.sync_directory(directory));
    }
    const std::uint64_t bytes = TRY(files_.size(path()));
    const StagedFile file{.staged = place_.tag + "/" + staged_name(),
                          .name = place_.name_in_epoch(place_.part, epoch),
                          .bytes = static_cast<std::int64_t>(bytes)};
    writer_.reset();
    ++begun_;
    prepared_ = true;
    always_ = false;
    return std::vector{Committable{.detail = detail_of(file), .rows = std::exchange(rows_, 0)}};
  }

 private:
  std::string staged_name() const {
    return begun_ == 0 ? place_.part : fmt::format("{}-{}", begun_, place_.part);
  }
  std::string path() const { return place_.directory + "/" + staged_name(); }

  Result<> create() {
    if (writer_ == nullptr) {
      writer_ = TRY(format_->create(files_, path(), schema_, place_.bytes_max));
    }
    return {};
  }

  FileSystem& files_;
  const StagingPlace place_;
  bool always_;
  const SchemaPtr schema_;
  const std::shared_ptr<const WriteFormat> format_;
  std::unique_ptr<BatchWriter> writer_;
  std::int64_t rows_ = 0;
  int begun_ = 0;  ///< files before this one
  bool prepared_ = false;
};

std::string part_name(std::uint32_t subtask, const WriteFormat& format) {
  return fmt::format("part-{:05}{}", subtask, format.extensions().front());
}

FileCommit::Target target(const FileSink::Settings& settings, const WriteFormat& format) {
  if (FileSink::single_file(settings.path, format)) return FileCommit::Target::single_file;
  return settings.stream ? FileCommit::Target::stream : FileCommit::Target::directory;
}

bool ends_with_one_of(const std::string& path, const std::vector<std::string>& endings) {
  return std::any_of(endings.begin(), endings.end(), [&](const std::string& ending) {
    return path.size() > ending.size() && path.ends_with(ending);
  });
}

}  // namespace

std::string StagingPlace::name_in_epoch(const std::string& name, Epoch epoch) const {
  if (!stream) return name;
  const std::size_t last = name.rfind('/') + 1;  // 0 where there is none
  return fmt::format("{}epoch-{:08}-{}", name.substr(0, last), epoch.value(), name.substr(last));
}

std::string detail_of(const StagedFile& file) {
  return json_text({{"staged", file.staged}, {"name", file.name}, {"bytes", file.bytes}});
}

const char* const file_sink_notes =
    "Readers see nothing of a run before it has succeeded, and then all of it: files are written "
    "beside the output and exchanged with it in one step. What is replaced is removed. Where a "
    "file system cannot exchange directories there is a moment without output. A directory also "
    "holds `_commit`, which names the run that wrote it; names that begin with _ are not data. A "
    "stream replaces the directory with its first epoch, and each later one adds files; which "
    "files are committed, the entries of `_commits` say, and `read.*` of the directory reads no "
    "others: a pattern that names files promises nothing while the stream runs.";

bool FileSink::single_file(const std::string& path, const WriteFormat& format) {
  return ends_with_one_of(path, format.extensions());
}

Result<std::shared_ptr<FileSink>> FileSink::make(FileSystem& files, Settings settings,
                                                 std::shared_ptr<const WriteFormat> format) {
  auto place = TRY(files.follow_links(settings.path));
  return std::shared_ptr<FileSink>(
      new FileSink(files, std::move(settings), std::move(place), std::move(format)));
}

FileSink::FileSink(FileSystem& files, Settings settings, std::string place,
                   std::shared_ptr<const WriteFormat> format)
    : files_(files),
      settings_(std::move(settings)),
      format_(std::move(format)),
      single_(single_file(settings_.path, *format_)),
      place_(std::move(place)),
      commit_(files, place_, target(settings_, *format_), settings_.existing) {}

/// Finds out before the first row what `commit` would meet after the last one.
Result<> FileSink::check_target() const {
  const std::string& path = settings_.path;
  if (!files_.exists(place_)) return {};
  if (settings_.existing == FileCommit::Existing::refuse) {
    Error error = make_error(ErrorCode::already_exists, "the output '{}' exists", path);
    error.hint = "remove it, write elsewhere, or say 'mode: overwrite'";
    return error;
  }
  if (files_.is_directory(path) == single_) {
    return make_error(ErrorCode::invalid_argument, "the output '{}' is a {}, not a {}", path,
                      single_ ? "directory" : "file", single_ ? "file" : "directory");
  }
  return single_ ? Result<>() : check_only_data(path);
}

Result<> FileSink::check_only_data(const std::string& directory) const {
  for (const std::string& name : TRY(files_.list(directory))) {
    if (name[0] == '_' || name[0] == '.' || ends_with_one_of(name, format_->extensions())) continue;
    const std::string path = directory + "/" + name;
    if (is_partition_directory(name) && files_.is_directory(path)) {
      TRY(check_only_data(path));
      continue;
    }
    Error error = make_error(ErrorCode::invalid_argument,
                             "the output '{}' holds '{}', which is no {} file and would be lost",
                             directory, name, format_->extensions().front());
    error.hint = "write to a directory of its own";
    return error;
  }
  return {};
}

Result<std::unique_ptr<SinkWriter>> FileSink::open(const SinkContext& context) {
  // An attempt that goes on from an epoch finds what its lineage has committed.
  if (!TRY(commit_.is_of(context.marker))) TRY(check_target());
  const std::string name = single_ ? name_of(place_) : part_name(context.subtask, *format_);
  auto directory = TRY(commit_.stage(context.staged_under(), context.tag));
  const std::string tag = name_of(directory);
  StagingPlace place{std::move(directory), tag, name, settings_.stream, context.bytes_max};
  if (!settings_.partition_by.empty()) {
    return std::unique_ptr<SinkWriter>(std::make_unique<PartitionedWriter>(
        files_, std::move(place), settings_.schema, settings_.partition_by, format_));
  }
  return std::unique_ptr<SinkWriter>(std::make_unique<FileSinkWriter>(
      files_, std::move(place), context.subtask == 0, settings_.schema, format_));
}

Result<> FileSink::commit(const SinkCommit& what, const std::vector<Committable>& staged) {
  std::vector<StagedFile> files;
  for (const Committable& committable : staged) {
    files.push_back(TRY(staged_file(committable.detail)));
    files.back().rows = committable.rows;
  }
  return commit_.commit(what, files);
}

Result<> FileSink::clean_up(const std::string& marker) { return commit_.clean_up(marker); }

namespace {

/// The columns that the names of directories tell.
Result<std::vector<std::string>> partition_by(const Options& options, const SchemaPtr& schema,
                                              bool single) {
  if (!options.has("partition_by")) return std::vector<std::string>();
  const auto names = options.list("partition_by");
  const auto columns = select_columns(schema, names);
  if (!columns) return columns.error().at("partition_by");
  for (const auto& column : (*columns)->fields()) {
    const auto fits = check_partition_type(column->name(), *column->type());
    if (!fits) return fits.error().at("partition_by");
  }
  if (single) {
    return make_error(ErrorCode::invalid_argument, "a single file is not divided: name a directory")
        .at("partition_by");
  }
  if (without_columns(schema, names)->num_fields() == 0) {
    return make_error(ErrorCode::invalid_argument, "no column is left for the files")
        .at("partition_by");
  }
  return names;
}

}  // namespace

Result<OperatorPlan> plan_file_sink(const OperatorDescription& description, const Options& options,
                                    const PlanInput& input, const PlanContext& context,
                                    std::shared_ptr<const WriteFormat> format) {
  const auto path = local_path(options.text("path"));
  if (!path) return path.error().at("path");
  const bool single = FileSink::single_file(*path, *format);
  const auto partitions = TRY(partition_by(options, input.schema, single));
  TRY(format->check(*without_columns(input.schema, partitions)));
  if (single && input.flow.stream) {
    Error error =
        make_error(ErrorCode::invalid_argument,
                   "a stream adds files epoch after epoch, and '{}' is a single one", *path);
    error.hint = "name a directory";
    return error.at("path");
  }
  const FileSink::Settings settings{.path = *path,
                                    .existing = options.text("mode") == "error"
                                                    ? FileCommit::Existing::refuse
                                                    : FileCommit::Existing::replace,
                                    .schema = input.schema,
                                    .partition_by = partitions,
                                    .stream = input.flow.stream};
  Phase phase;
  phase.name = description.name;
  phase.inputs = {PhaseInput{.exchange = single ? ExchangeKind::gather : ExchangeKind::forward}};
  phase.outputs = {input.schema};
  if (single) phase.parallelism_max = 1;
  phase.detail = fmt::format("{} ({})", *path, options.text("mode"));
  phase.writes = *path;
  const std::string below = partitions.empty() ? "" : partitions.front() + "=0/";
  if (!single) phase.writes_part = below + part_name(0, *format);
  phase.make_sink = [&files = *context.files, settings, format]() -> Result<std::shared_ptr<Sink>> {
    return std::shared_ptr<Sink>(TRY(FileSink::make(files, settings, format)));
  };
  OperatorPlan plan;
  plan.phases = {std::move(phase)};
  return plan;
}

std::vector<Parameter> file_sink_parameters(const std::string& extension) {
  return {
      {.name = "path",
       .type = ParameterType::path,
       .help = fmt::format("A directory for part files, one for each subtask that has rows; or "
                           "a single file where it ends in {}, written by one subtask. "
                           "Directories above it are made.",
                           extension),
       .required = true},
      {.name = "mode",
       .type = ParameterType::choice,
       .help = "What to do with an output that exists: replace it as a whole, or refuse.",
       .default_value = "\"overwrite\"",
       .choices = {"overwrite", "error"}},
      {.name = "partition_by",
       .type = ParameterType::columns,
       .help = "Columns whose values become directories, key=value, as Hive names them, and "
               "are left out of the files: texts, integers and dates. Null is "
               "`__HIVE_DEFAULT_PARTITION__`. Without rows there are no files. A `read.*` of the "
               "directory gives the columns back, as bigint, date or text."}};
}

}  // namespace troupe
