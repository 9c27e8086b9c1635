#include "runtime/connectors/file_source.hpp"

#include "runtime/base/json.hpp"
#include "runtime/connectors/file_pattern.hpp"

#include <algorithm>

namespace troupe {
namespace {

std::string detail_of(const FilePart& part) {
  return Json{{"path", part.path},
              {"first", part.first},
              {"count", part.count},
              {"file_bytes", part.file_bytes}}
      .dump();
}

Result<FilePart> part_of(const Split& split) {
  const Json detail = Json::parse(split.detail, nullptr, /*allow_exceptions=*/false);
  const auto number = [&](const char* key) {
    return detail.is_object() && detail.contains(key) && detail[key].is_number_integer();
  };
  const bool complete = number("first") && number("count") && number("file_bytes") &&
                        detail.contains("path") && detail["path"].is_string();
  if (!complete) return fail(ErrorCode::corrupt, "'{}' is no split of a file", split.detail);
  FilePart part;
  part.path = detail["path"];
  part.first = detail["first"];
  part.count = detail["count"];
  part.file_bytes = detail["file_bytes"];
  part.bytes = split.bytes;
  part.rows = split.rows;
  return part;
}

class PartReader final : public SplitReader {
 public:
  explicit PartReader(std::unique_ptr<BatchReader> batches) : batches_(std::move(batches)) {}
  Result<Batch> next() override { return batches_->next(); }

 private:
  std::unique_ptr<BatchReader> batches_;
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
    for (const FilePart& part : TRY(format_->parts(path, request, part_bytes))) {
      splits.push_back({.detail = detail_of(part), .bytes = part.bytes, .rows = part.rows});
    }
  }
  return splits;
}

Result<std::unique_ptr<SplitReader>> FileSource::open(const Split& split) {
  const FilePart part = TRY(part_of(split));
  if (TRY(system_files().size(part.path)) != static_cast<std::uint64_t>(part.file_bytes)) {
    return fail(ErrorCode::conflict, "'{}' was changed while the job was reading it", part.path);
  }
  return std::unique_ptr<SplitReader>(
      std::make_unique<PartReader>(TRY(format_->open(part, request_))));
}

}  // namespace troupe
