#pragma once

#include "runtime/base/result.hpp"
#include "runtime/os/file_system.hpp"

#include <string>
#include <vector>

namespace troupe {

/// A finished file of one attempt, waiting to be made visible.
struct StagedFile {
  std::string staged;  ///< below the staging directory: "<tag>/part-00000.parquet"
  std::string name;    ///< in the output: "part-00000.parquet"
  std::int64_t bytes = 0;
};

/// Where the files of a sink become visible, and how: all at once, or not at all.
///
/// Attempts stage below `.<output>.troupe-<marker>/` beside the output, so that one rename on one
/// file system makes their work visible. What `commit` does, in order, each step durable before the
/// next:
///
///     directory                                  single file
///     move the staged files into `output/`
///       of the staging directory, write its
///       `_commit` with the marker
///     write `committing`                         write `committing`
///     exchange `output/` with the output         rename the staged file over the output
///
/// Whoever runs it again, on any node and after a stop at any point, finds one of: the output with
/// this marker (done), `committing` with its work still there (place it), `committing` without
/// (placed, and replaced by a later run since), or neither (begin, or go on). Where the file system
/// cannot exchange, the old directory is moved aside first, and for that moment there is none; nor
/// can it hold two commits of a single file apart that both found its name free.
class FileCommit {
 public:
  enum class Target { directory, single_file };
  enum class Existing { replace, refuse };

  FileCommit(FileSystem& files, std::string output, Target target, Existing existing);

  /// The directory that attempt `tag` may write to; made, durably.
  Result<std::string> stage(const std::string& marker, const std::string& tag) const;
  Result<> commit(const std::string& marker, const std::vector<StagedFile>& staged) const;
  /// Removes everything staged under the marker, and the output that `commit` has replaced.
  Result<> clean_up(const std::string& marker) const;

 private:
  Result<std::string> staging_directory(const std::string& marker) const;
  Result<> commit_directory(const std::string& marker, const std::string& staging,
                            const std::vector<StagedFile>& staged) const;
  Result<> commit_file(const std::string& marker, const std::string& staging,
                       const StagedFile& staged) const;
  Result<> build(const std::string& marker, const std::string& staging,
                 const std::vector<StagedFile>& staged) const;
  Result<> place(const std::string& staging) const;
  Result<> place_new(const std::string& from) const;
  Result<> check_free() const;
  Result<std::string> marker_in(const std::string& directory) const;

  FileSystem& files_;
  const std::string output_;
  const std::string parent_;
  const Target target_;
  const Existing existing_;
};

/// Makes a directory and those above it; what is new is durable when this returns.
Result<> make_durable_directories(FileSystem& files, const std::string& path);

}  // namespace troupe
