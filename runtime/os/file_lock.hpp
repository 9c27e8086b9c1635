#pragma once

#include "runtime/base/result.hpp"

#include <string>

namespace troupe {

/// A lock that nobody else on this machine can take while its owner lives: the kernel gives it back
/// with the process, however that ends. Advisory; held by an open file, which children do not
/// inherit.
class FileLock {
 public:
  /// Of the file `path`, made if it is not there, its owner's alone. Into it is written who has
  /// it: "<who>, process 7, since 2026-11-27 18:31:00 UTC". Where somebody else has it: `conflict`,
  /// whose message is what that one has written.
  static Result<FileLock> take(const std::string& path, const std::string& who);
  /// Of a directory, which needs no right to write there; the message of `conflict` is empty.
  static Result<FileLock> take_directory(const std::string& path);

  FileLock(FileLock&& other) noexcept;
  FileLock& operator=(FileLock&&) = delete;
  ~FileLock();

 private:
  explicit FileLock(int descriptor) : descriptor_(descriptor) {}
  int descriptor_;
};

}  // namespace troupe
