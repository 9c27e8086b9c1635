#pragma once

#include "runtime/base/result.hpp"
#include "runtime/connectors/file_log.hpp"
#include "runtime/os/file_system.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace troupe {

/// Where the files of a sink become visible, and how: all at once, or not at all.
///
/// Attempts stage below `.<output>.troupe-<marker>/` beside the output, so that one rename on one
/// file system makes their work visible. What `commit` does, in order, each step durable before the
/// next:
///
///     directory                                  single file
///     rename `output.N` of the staging
///       directory to `output.N+1`: the claim
///     move the staged files into it, and
///       write its `_commit` with the marker
///     write `committing`                         write `committing`
///     exchange it with the output                rename the staged file over the output
///
/// Whoever runs it again, on any node and after a stop at any point, finds one of: the output with
/// this marker (done), `committing` with its work still there (place it), `committing` without
/// (placed, and replaced by a later run since), or neither (begin, or go on).
///
/// Several executors may run it at the same time, and one may go on long after it was given up,
/// when all is committed and cleaned up, and a later run has replaced the output. So every step is
/// a rename out of, or into, a name that only the last one to claim has: whoever had it before
/// finds nothing there any more, and changes nothing. It is told `unavailable`, and may try again.
///
/// What a version staged that knew of no claims has no `output.N`: what that one began to build, or
/// else the directory of one attempt, becomes it by a rename, and so is claimed, too.
///
/// A disk that is not mounted looks as if all that was staged were lost. So where even the
/// directory of the output is not there, nothing is said to be lost: it is `unavailable`.
///
/// The first epoch of a stream is committed so, and each later one by an entry of the directory's
/// log (`FileLog`).
///
/// Where the file system cannot exchange, the old directory is moved aside first, and for that
/// moment there is none; one who stops in that moment for so long that others do all the rest takes
/// their output aside. Nor can it hold two commits of a single file apart that both found its name
/// free.
class FileCommit {
 public:
  enum class Target {
    directory,
    stream,  ///< a directory that each epoch adds files to
    single_file,
  };
  enum class Existing { replace, refuse };

  FileCommit(FileSystem& files, std::string output, Target target, Existing existing);

  /// The directory that attempt `tag` may write to; made, durably.
  Result<std::string> stage(const std::string& marker, const std::string& tag) const;
  Result<> commit(const SinkCommit& what, const std::vector<StagedFile>& staged) const;
  /// True where the output is what a commit with this marker made.
  Result<bool> is_of(const std::string& marker) const;
  /// Removes everything staged under the marker, and the output that `commit` has replaced.
  Result<> clean_up(const std::string& marker) const;

 private:
  Result<> commit_once(const SinkCommit& what, const std::vector<StagedFile>& staged) const;
  Result<std::string> staging_directory(const std::string& marker) const;
  Result<> commit_directory(const SinkCommit& what, const std::string& staging,
                            const std::vector<StagedFile>& staged) const;
  Result<std::optional<std::uint64_t>> latest_claim(const std::string& staging) const;
  Result<std::string> claim(const std::string& staging) const;
  Result<bool> adopt(const std::string& staging, const std::vector<StagedFile>& staged) const;
  Result<> commit_claimed(const SinkCommit& what, const std::string& staging,
                          const std::string& claimed, const std::vector<StagedFile>& staged) const;
  Result<> build(const SinkCommit& what, const std::string& staging, const std::string& claimed,
                 const std::vector<StagedFile>& staged) const;
  Result<> make_inside(const std::string& claimed, const std::string& path) const;
  Result<> write_claimed(const std::string& claimed, const std::string& path,
                         const std::string& text) const;
  Result<> place(const std::string& marker, const std::string& claimed) const;
  Result<> put_aside_and_place(const std::string& claimed) const;
  Result<> commit_file(const std::string& marker, const std::string& staging,
                       const std::string& from, std::int64_t bytes) const;
  Result<> place_new(const std::string& from) const;
  Result<> check_free() const;
  Result<std::string> marker_in(const std::string& directory) const;

  FileSystem& files_;
  const std::string output_;
  const std::string parent_;
  const Target target_;
  const Existing existing_;
};

/// A marker, or the tag of an attempt, as part of a file name: others have other names.
std::string safe_name(const std::string& marker);

/// Makes directories and those above them; what is new is durable when this returns.
Result<> make_durable_directories(FileSystem& files, const std::vector<std::string>& paths);
Result<> make_durable_directories(FileSystem& files, const std::string& path);

}  // namespace troupe
