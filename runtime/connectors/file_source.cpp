#include "runtime/connectors/file_source.hpp"

#include "runtime/base/json.hpp"
#include "runtime/connectors/file_pattern.hpp"
#include "runtime/formats/damage.hpp"

#include <algorithm>

namespace troupe {
namespace {

std::string detail_of(const FilePart& part, const std::string& version) {
  return Json{{"path", part.path},
              {"first", part.first},
              {"count", part.count},
              {"file_bytes", part.file_bytes},
              {"version", version}}
      .dump();
}

/// The parts of a file are cut once and read at other times, by other nodes, maybe twice: all must
/// see the same bytes, or the rows would be a mix of two files that never were.
Result<> check_unchanged(const std::string& path, const std::string& version) {
  if (TRY(system_files().version(path)) == version) return {};
  Error error =
      fail(ErrorCode::invalid_argument, "'{}' was changed while the job was reading it", path);
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
  if (!complete) return fail(ErrorCode::corrupt, "'{}' is no split of a file", split.detail);
  FilePart part;
  part.path = detail["path"];
  part.first = detail["first"];
  part.count = detail["count"];
  part.file_bytes = detail["file_bytes"];
  part.bytes = split.bytes;
  part.rows = split.rows;
  return CutPart{std::move(part), detail["version"]};
}

class PartReader final : public SplitReader {
 public:
  PartReader(std::unique_ptr<BatchReader> batches, std::string path, std::string version)
      : batches_(std::move(batches)), path_(std::move(path)), version_(std::move(version)) {}
  Result<Batch> next() override {
    auto batch = reading(path_, [&] { return batches_->next(); });
    // An error, too, may be the fault of who writes to the file; at the end all has been read.
    if (!batch || !*batch) TRY(check_unchanged(path_, version_));
    return batch;
  }

 private:
  const std::unique_ptr<BatchReader> batches_;
  const std::string path_;
  const std::string version_;
};

}  // namespace

Result<std::vector<Split>> FileSource::splits(std::uint32_t wanted) {
  const auto paths = TRY(find_files(system_files(), pattern_));
  std::int64_t bytes = 0;
  for (const std::string& path : paths) {
    bytes += static_cast<std::int64_t>(TRY(system_files().size(path)));
  }
  const std::int64_t part_bytes = std::clamp(bytes / (std::int64_t{wanted} * parts_a_subtask + 1),
                                             part_bytes_min, part_bytes_max);
  ReadRequest request = request_;
  request.first_file = paths.front();
  std::vector<Split> splits;
  for (const std::string& path : paths) {
    const std::string version = TRY(system_files().version(path));
    const auto parts =
        TRY(reading(path, [&] { return format_->parts(path, request, part_bytes); }));
    for (const FilePart& part : parts) {
      splits.push_back(
          {.detail = detail_of(part, version), .bytes = part.bytes, .rows = part.rows});
    }
  }
  return splits;
}

Result<std::unique_ptr<SplitReader>> FileSource::open(const Split& split) {
  const auto [part, version] = TRY(part_of(split));
  TRY(check_unchanged(part.path, version));
  auto batches = reading(part.path, [&, &part = part] { return format_->open(part, request_); });
  if (!batches) TRY(check_unchanged(part.path, version));
  return std::unique_ptr<SplitReader>(
      std::make_unique<PartReader>(TRY(std::move(batches)), part.path, version));
}

}  // namespace troupe
