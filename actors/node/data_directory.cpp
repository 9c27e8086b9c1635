#include "actors/node/data_directory.hpp"

#include "runtime/os/own_files.hpp"

#include <fmt/ranges.h>

namespace troupe {
namespace {

Result<> close_to_others(const std::string& directory) {
  FileSystem& files = own_files();
  if (!files.exists(directory)) return files.make_private_directories(directory);
  if (TRY(files.list(directory)).empty()) return files.make_private(directory);
  const std::vector<std::string> loose = TRY(exposed_files(files, directory));
  if (loose.empty()) return {};
  Error error = make_error(
      ErrorCode::invalid_argument,
      "others than its owner may reach what the data directory holds: '{}'; it has rows and "
      "keys in it",
      fmt::join(loose, "', '"));
  error.hint = fmt::format("chmod -R go= '{}'", directory);
  return error;
}

}  // namespace

Result<DataDirectory> DataDirectory::open(const std::string& wanted, const NodeId& node) {
  DataDirectory directory;
  if (wanted.empty()) {
    directory.temporary_.emplace(TRY(TemporaryDirectory::make("troupe")));
    directory.paths_.data = directory.temporary_->path();
    return directory;
  }
  TRY(close_to_others(wanted));
  directory.paths_.data = wanted;
  auto lock = FileLock::take(directory.paths_.lock(), fmt::format("node '{}'", node));
  if (!lock) {
    Error error = lock.error();
    if (error.code != ErrorCode::conflict) return error;
    error.message = fmt::format("the data directory '{}' is taken: by {}", wanted, error.message);
    error.hint = "one node works in a data directory: stop that one, or choose another with --data";
    return error;
  }
  directory.lock_.emplace(*std::move(lock));
  return directory;
}

Result<FileLock> lock_keys(const std::string& directory) {
  auto lock = FileLock::take_directory(directory);
  if (lock || lock.error().code != ErrorCode::conflict) return lock;
  Error error = make_error(ErrorCode::conflict,
                           "another node of this machine works with the keys in '{}'", directory);
  error.hint = "a node is known by its key: give this one its own (`troupe keys new`)";
  return error;
}

}  // namespace troupe
