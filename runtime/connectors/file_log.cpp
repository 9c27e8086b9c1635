#include "runtime/connectors/file_log.hpp"

#include "runtime/base/json.hpp"
#include "runtime/base/json_text.hpp"
#include "runtime/connectors/file_commit.hpp"
#include "runtime/os/file_pattern.hpp"
#include "runtime/os/random.hpp"

#include <algorithm>
#include <set>

namespace troupe {
namespace {

std::uint64_t number(const Json& json, const char* key) {
  return json.contains(key) && json[key].is_number_unsigned() ? json[key].get<std::uint64_t>() : 0;
}

/// Nothing where the text is none of an entry: an older version's has no epoch and only names.
std::optional<FileLogEntry> parse_entry(const std::string& text) {
  const Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  const bool whole = json.is_object() && json.contains("marker") && json["marker"].is_string();
  if (!whole) return std::nullopt;
  FileLogEntry entry{{json["marker"].get<std::string>(), Epoch(number(json, "epoch")),
                      Epoch(number(json, "previous"))}};
  if (!json.contains("files") || !json["files"].is_array()) return entry;
  for (const Json& file : json["files"]) {
    if (file.is_string()) entry.files.push_back({.name = file.get<std::string>()});
    if (!file.is_object() || !file.contains("name") || !file["name"].is_string()) continue;
    entry.files.push_back({.name = file["name"].get<std::string>(),
                           .bytes = static_cast<std::int64_t>(number(file, "bytes")),
                           .rows = static_cast<std::int64_t>(number(file, "rows"))});
  }
  return entry;
}

Error not_ours(const std::string& directory, const SinkCommit& what) {
  Error error = make_error(
      ErrorCode::conflict,
      "the output '{}' is not what this run has committed before epoch {}: rows would be lost",
      directory, what.epoch.value());
  error.hint = "somebody has replaced or removed it; give each job an output of its own";
  return error;
}

}  // namespace

Error missing_staged_file(const std::string& path) {
  Error error = make_error(
      ErrorCode::corrupt,
      "the staged file '{}' is gone or not whole: what was prepared cannot be committed", path);
  error.hint = "run the job again";
  return error;
}

std::string FileLogEntry::text() const {
  Json named = Json::array();
  for (const StagedFile& file : files) {
    named.push_back({{"name", file.name}, {"bytes", file.bytes}, {"rows", file.rows}});
  }
  return json_text({{"marker", commit.marker},
                    {"epoch", commit.epoch.value()},
                    {"previous", commit.previous.value()},
                    {"files", named}}) +
         "\n";
}

Result<std::optional<FileLogEntry>> FileLog::entry(const std::string& path) const {
  if (!files_.exists(path)) return std::optional<FileLogEntry>();
  return parse_entry(TRY(files_.read(path)));
}

Result<std::optional<FileLogEntry>> FileLog::first() const {
  return entry(directory_ + "/" + first_name);
}

bool FileLog::goes_on() const { return files_.is_directory(directory_ + "/" + entries_name); }

Result<std::vector<FileLogEntry>> FileLog::entries() const {
  std::vector<FileLogEntry> all;
  const auto begun = TRY(first());
  if (!begun) return all;
  all.push_back(*begun);
  const std::string below = directory_ + "/" + entries_name;
  if (!goes_on()) return all;
  for (const std::string& name : TRY(files_.list(below))) {
    auto one = TRY(entry(below + "/" + name));
    const bool ours = one && one->commit.marker == begun->commit.marker;
    if (ours && one->commit.epoch > begun->commit.epoch) all.push_back(*std::move(one));
  }
  std::sort(all.begin(), all.end(), [](const FileLogEntry& a, const FileLogEntry& b) {
    return a.commit.epoch < b.commit.epoch;
  });
  return all;
}

Result<std::optional<FileLogEntry>> FileLog::latest(const std::string& marker) const {
  const auto all = TRY(entries());
  if (all.empty() || all.front().commit.marker != marker) return std::optional<FileLogEntry>();
  return std::optional<FileLogEntry>(all.back());
}

Result<> FileLog::append(const SinkCommit& what, const std::string& staging,
                         const std::vector<StagedFile>& staged) const {
  const std::string below = directory_ + "/" + entries_name;
  const auto last = TRY(latest(what.marker));
  if (!last) return not_ours(directory_, what);
  // Whoever wrote the entry may have died before it was durable.
  if (last->commit.epoch >= what.epoch)
    return files_.sync_directory(goes_on() ? below : directory_);
  if (last->commit.epoch != what.previous) return not_ours(directory_, what);
  TRY(move(staging, staged));
  return write(what, staging, staged);
}

Result<> FileLog::move(const std::string& staging, const std::vector<StagedFile>& staged) const {
  std::set<std::string> changed;
  for (const StagedFile& file : staged) {
    const std::string from = staging + "/" + file.staged;
    const std::string to = directory_ + "/" + file.name;
    if (parent_of(to) != directory_) TRY(make_durable_directories(files_, parent_of(to)));
    const Result<> moved = files_.rename(from, to);
    if (!moved && files_.exists(from)) return moved;
    if (!files_.exists(to)) return missing_staged_file(from);
    if (TRY(files_.size(to)) != static_cast<std::uint64_t>(file.bytes)) {
      return missing_staged_file(to);
    }
    changed.insert(parent_of(to));
  }
  for (const std::string& directory : changed) TRY(files_.sync_directory(directory));
  return {};
}

/// Beside, below the staging directory, which a late one does not find any more; then moved.
Result<> FileLog::write(const SinkCommit& what, const std::string& staging,
                        const std::vector<StagedFile>& staged) const {
  const std::string below = directory_ + "/" + entries_name;
  if (!goes_on()) TRY(make_durable_directories(files_, below));
  const std::string path = fmt::format("{}/{}", below, what.epoch.value());
  // A name of its own: two who write one file would each place it half written by the other.
  const std::string beside =
      fmt::format("{}/entry.{}.{:016x}", staging, what.epoch.value(), Random::from_system().next());
  const auto file = TRY(files_.create(beside));
  TRY(file->append(FileLogEntry{what, staged}.text()));
  TRY(file->sync());
  TRY(file->close());
  const Result<> placed = files_.rename_new(beside, path);
  if (placed) return files_.sync_directory(below);
  const auto there = TRY(entry(path));
  if (there && there->commit.marker == what.marker) return files_.sync_directory(below);
  // The file system cannot say that a name is free; or somebody who was given up long ago had it.
  TRY(files_.rename(beside, path));
  return files_.sync_directory(below);
}

Result<std::vector<std::string>> find_committed_files(FileSystem& files,
                                                      const std::string& pattern) {
  const FileLog log(files, pattern);
  if (!files.is_directory(pattern) || !log.goes_on()) return find_files(files, pattern);
  const std::string directory = TRY(files.follow_links(pattern));
  std::vector<std::string> paths;
  for (const FileLogEntry& entry : TRY(FileLog(files, directory).entries())) {
    for (const StagedFile& file : entry.files) paths.push_back(directory + "/" + file.name);
  }
  if (paths.empty()) {
    return make_error(ErrorCode::not_found, "nothing has been committed to '{}' yet", pattern);
  }
  std::sort(paths.begin(), paths.end());
  paths.erase(std::unique(paths.begin(), paths.end()), paths.end());
  return paths;
}

}  // namespace troupe
