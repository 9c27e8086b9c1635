#pragma once

#include "runtime/operator/source.hpp"
#include "runtime/os/file_system.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace troupe {

/// A file of a sequence, as the positions of subtasks name it.
struct FileMark {
  std::uint64_t number = 0;
  std::string path;
  std::string version = {};  ///< where the file was begun

  std::string text() const;
  static Result<FileMark> parse(const std::string& text);
};

/// The files of a subtask, of all those that a pattern names and will name: one sequence by name,
/// whose names grow. Each is a split; its number is its place in that sequence, for ever.
///
/// Each subtask lists for itself. What it takes for the next file is the next one for all: since a
/// file appears whole and after all those before it, whoever sees one sees them in a listing that
/// begins later. So new names of a listing count once a second listing has shown what is before
/// them.
///
/// A position names the last file that its subtask knows at that place, with its number, so files
/// before it may be removed. One that appears before a name that is known has come too late, and is
/// an error.
class FollowedFiles final : public SplitSequence {
 public:
  FollowedFiles(FileSystem& files, std::string pattern, const SubtaskOf& self,
                const SplitPosition& from);

  Result<Next> next() override;
  std::string mark() const override;

  /// Between two listings.
  static constexpr Duration pause = 500ms;

 private:
  bool has(std::uint64_t number) const { return number < first_ + known_.size(); }
  Result<> look();
  Result<> begin(const std::vector<std::string>& listed);
  Result<> extend(const std::vector<std::string>& listed);
  void forget(const std::vector<std::string>& listed);
  Result<std::vector<std::string>> list() const;
  Result<std::vector<std::string>> list_settled() const;
  Result<std::string> version_of(std::uint64_t number, const std::string& path) const;

  FileSystem& files_;
  const std::string pattern_;
  const std::uint64_t step_;
  std::uint64_t next_;          ///< the number of its next file
  std::string told_;            ///< the mark that it goes on from; empty: none, or it has
  std::optional<FileMark> at_;  ///< the file that it has given last, or was at
  bool waits_ = false;
  std::vector<std::string> known_;
  std::uint64_t first_ = 0;          ///< the number of the first of them
  std::vector<std::string> before_;  ///< what was there before that when it began
};

}  // namespace troupe
