#pragma once

#include "runtime/os/file_system.hpp"
#include "runtime/protocol/messages.hpp"

#include <string>

namespace troupe {

/// Where the task attempts of one node put files: what they keep for consumers, and what is their
/// own. Names only; whoever uses a path does the I/O. One directory a run and one an attempt below
/// it, so that dropping either is one removal.
///
///     DIRECTORY/run-7/r7-t3.1-a4/edge-2         kept for the consumers of edge 2 (and .index)
///     DIRECTORY/run-7/r7-t3.1-a4/scratch/...    overflow of operators
class KeptFiles {
 public:
  /// How often something may vanish under one removal.
  static constexpr int drop_attempts_max = 64;

  KeptFiles(FileSystem& files, std::string directory)
      : files_(files), directory_(std::move(directory)) {}

  FileSystem& files() const { return files_; }
  std::string of_run(RunId run) const { return fmt::format("{}/run-{}", directory_, run); }
  std::string of_attempt(const AttemptKey& key) const {
    return fmt::format("{}/{}", of_run(key.run), attempt_tag(key));
  }
  std::string output(const AttemptKey& key, std::uint32_t edge) const {
    return fmt::format("{}/edge-{}", of_attempt(key), edge);
  }
  std::string scratch(const AttemptKey& key) const { return of_attempt(key) + "/scratch"; }

  /// Removes a file or directory that may not be there. A run is dropped while its last attempts
  /// still are: whoever finds that something has gone meanwhile looks again at what is left.
  /// Blocks.
  Result<> drop(const std::string& path) const {
    for (int attempt = 1; files_.exists(path) || files_.is_directory(path); ++attempt) {
      auto removed = files_.remove_all(path);
      if (removed) return {};
      if (removed.error().code != ErrorCode::not_found || attempt == drop_attempts_max) {
        return removed;
      }
    }
    return {};
  }
  /// Nothing that an earlier process kept is of use. Blocks.
  Result<> drop_all() const { return drop(directory_); }

 private:
  FileSystem& files_;
  const std::string directory_;
};

}  // namespace troupe
