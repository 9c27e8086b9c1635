#include "runtime/connectors/bytes_as_text.hpp"
#include "runtime/connectors/file_source.hpp"
#include "runtime/formats/column_types.hpp"
#include "runtime/formats/ipc_file.hpp"

#include <algorithm>

namespace troupe {
namespace {

/// Arrow IPC files, in parts of whole record batches; a stream is one part.
class IpcFormat final : public ReadFormat {
 public:
  IpcFormat(FileSystem& files, FileAccess access) : ReadFormat(files), access_(access) {}

  Result<FileInfo> inspect(const std::string& path) const override {
    const IpcInfo info = TRY(ipc_info(files(), path));
    const std::int64_t bytes = TRY(size(path));
    return FileInfo{.schema = info.schema, .rows = info.rows, .bytes = bytes};
  }

  Result<SchemaPtr> columns_in(const std::string& path, const SchemaPtr& wanted) const override {
    return shared_columns(wanted, TRY(ipc_schema(files(), path)));
  }

  Result<std::vector<FilePart>> parts(const std::string& path, const ReadRequest& request,
                                      std::int64_t part_bytes) const override {
    const IpcInfo info = TRY(ipc_info(files(), path));
    TRY(check_same_columns(request, info.schema, path));
    const std::int64_t bytes = TRY(size(path));
    const std::int64_t each =
        std::max<std::int64_t>(1, bytes / std::max<std::int64_t>(1, info.batches));
    const std::int64_t step = std::max<std::int64_t>(1, part_bytes / each);
    std::vector<FilePart> parts;
    for (std::int64_t at = 0; at < info.batches; at += step) {
      const std::int64_t count = std::min(step, info.batches - at);
      parts.push_back(
          {.path = path, .first = at, .count = count, .bytes = count * each, .file_bytes = bytes});
    }
    return parts;
  }

  Result<std::unique_ptr<BatchReader>> open(const FilePart& part,
                                            const ReadRequest& request) const override {
    return read_ipc(files(), part.path, part.first, part.count,
                    TRY(select_columns(request.schema, request.columns)), access_);
  }

 private:
  const FileAccess access_;
};

std::vector<Parameter> parameters() {
  auto all = file_source_parameters(".arrow");
  all.push_back(bytes_as_parameter());
  all.push_back({.name = "memory_map",
                 .type = ParameterType::boolean,
                 .help = "True: values are used where they lie in the file, instead of a copy, "
                         "which saves a good part of the work. Only for files that nobody changes "
                         "while the job runs (a new one may replace an old one by a rename): one "
                         "that is cut short ends the process of the node.",
                 .default_value = "false"});
  return all;
}

class ReadIpc final : public OperatorKind {
 public:
  const OperatorDescription& description() const override { return description_; }

  Result<OperatorPlan> plan(const Options& options, const std::vector<PlanInput>&,
                            const PlanContext& context) const override {
    const auto access = options.boolean("memory_map") ? FileAccess::map : FileAccess::read;
    const auto format =
        TRY(bytes_as_text(options, std::make_shared<IpcFormat>(*context.files, access)));
    return plan_file_source(description_, options, context, format);
  }

 private:
  const OperatorDescription description_ = {
      .name = "read.ipc",
      .summary = "Reads the rows of Arrow IPC files (Feather 2) and streams.",
      .role = OperatorRole::source,
      .inputs_min = 0,
      .inputs_max = 0,
      .parameters = parameters(),
      .example = R"(flights:
  op: read.ipc
  with:
    path: data/flights.arrow
)",
      .notes =
          "The record batches of a file are read in parallel; a stream is read by one subtask.",
      .guarantee = Guarantee::exactly_once,
  };
};

}  // namespace

void register_read_ipc(OperatorRegistry& registry) { registry.add(std::make_unique<ReadIpc>()); }

}  // namespace troupe
