#pragma once

#include "runtime/operator/sink.hpp"
#include "runtime/os/file_system.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace troupe {

/// A finished file of one attempt, waiting to be made visible.
struct StagedFile {
  std::string staged;  ///< below the staging directory: "<tag>/part-00000.parquet"
  std::string name;    ///< in the output: "part-00000.parquet"
  std::int64_t bytes = 0;
  std::int64_t rows = 0;
};

/// What one commit has made visible in a directory.
struct FileLogEntry {
  SinkCommit commit;
  std::vector<StagedFile> files;  ///< without where they were staged

  std::string text() const;
};

/// The commits of a directory, as they are kept with the data:
///
///     _commit        the first one, which made the directory: it says whose it is
///     _commits/7     each later one, by its epoch; of a stream the first one, too
///     part-...       files; those that no entry names are not there for readers
///
/// An entry is made whole, under a name that is free, so of two executors with the same commit one
/// writes it. Entries with another marker than that of `_commit` are of somebody who was given up
/// long ago and count for nobody.
class FileLog {
 public:
  FileLog(FileSystem& files, std::string directory)
      : files_(files), directory_(std::move(directory)) {}

  /// What `_commit` says; nothing where no commit made the directory.
  Result<std::optional<FileLogEntry>> first() const;
  /// All commits of the directory, in their order.
  Result<std::vector<FileLogEntry>> entries() const;
  /// True where it has more than its first commit, or will.
  bool goes_on() const;

  /// A later commit: moves the files from `staging` to where they belong, then writes the entry.
  /// Any executor may, also several at once, and one that wakes up late: a file that is not staged
  /// any more has been moved. What is missing on the way makes nothing new.
  Result<> append(const SinkCommit& what, const std::string& staging,
                  const std::vector<StagedFile>& staged) const;

  static constexpr const char* first_name = "_commit";
  static constexpr const char* entries_name = "_commits";

 private:
  Result<std::optional<FileLogEntry>> entry(const std::string& path) const;
  Result<std::optional<FileLogEntry>> latest(const std::string& marker) const;
  Result<> move(const std::string& staging, const std::vector<StagedFile>& staged) const;
  Result<> write(const SinkCommit& what, const std::string& staging,
                 const std::vector<StagedFile>& staged) const;

  FileSystem& files_;
  const std::string directory_;
};

/// The files that a source reads: those that the pattern names (`find_files`); of a directory that
/// epochs are committed to, those that its log names.
Result<std::vector<std::string>> find_committed_files(FileSystem& files,
                                                      const std::string& pattern);

/// What was staged is lost, or not as it was.
Error missing_staged_file(const std::string& path);

}  // namespace troupe
