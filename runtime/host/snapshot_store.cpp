#include "runtime/host/snapshot_store.hpp"

#include <algorithm>

namespace troupe {
namespace {

/// As most file systems have it, with room for a suffix.
constexpr std::size_t name_bytes_max = 200;

/// One name within a directory, and nothing else.
bool plain(std::string_view name) {
  return !name.empty() && name.size() <= name_bytes_max && name != "." && name != ".." &&
         name.find('/') == std::string_view::npos && name.find('\0') == std::string_view::npos;
}

bool unfinished(std::string_view name) { return name.ends_with(unfinished_suffix); }

/// The directory that has this one; none for a relative name.
std::string parent_of(const std::string& path) {
  const auto slash = path.find_last_of('/');
  return slash == std::string::npos ? "" : path.substr(0, std::max<std::size_t>(slash, 1));
}

}  // namespace

Result<std::string> SnapshotStore::of_run(const RunUid& run) const {
  if (plain(run.value())) return directory_ + "/" + run.value();
  return make_error(ErrorCode::invalid_argument, "'{}' cannot be a run with state files", run);
}

Result<std::string> SnapshotStore::path(const RunUid& run, const std::string& name) const {
  const std::string directory = TRY(of_run(run));
  if (plain(name) && !unfinished(name)) return directory + "/" + name;
  return make_error(ErrorCode::invalid_argument, "'{}' cannot be a state file", name);
}

Result<std::vector<RunUid>> SnapshotStore::recover() const {
  std::vector<RunUid> runs;
  if (!files_->is_directory(directory_)) return runs;
  for (const std::string& name : TRY(files_->list(directory_))) {
    const std::string run = directory_ + "/" + name;
    if (!files_->is_directory(run)) continue;
    for (const std::string& file : TRY(files_->list(run))) {
      if (unfinished(file)) TRY(files_->remove_all(run + "/" + file));
    }
    runs.push_back(RunUid(name));
  }
  return runs;
}

/// A new directory is a name in the one above it, and that may be new, too.
Result<> SnapshotStore::prepare(const RunUid& run) const {
  TRY(files_->make_directories(TRY(of_run(run))));
  TRY(files_->sync_directory(directory_));
  const std::string above = parent_of(directory_);
  return above.empty() ? Result<>() : files_->sync_directory(above);
}

Result<> SnapshotStore::verify(const RunUid& run, const SnapshotFile& file) const {
  return verify_snapshot(*files_, TRY(path(run, file.name)), file);
}

}  // namespace troupe
