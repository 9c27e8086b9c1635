#pragma once

#include "runtime/base/result.hpp"

#include <string>

namespace troupe {

/// A lock that nobody else on this machine can take while its owner lives. The kernel releases it
/// when the process ends, however it ends. Advisory; an open file holds it, which children do not
/// inherit.
class FileLock {
 public:
  /// Locks the file `path`, which is made if it is not there (mode 0600), and writes its holder
  /// into it: "<who>, process 7, since 2026-11-27 18:31:00 UTC". If another process has the lock:
  /// `conflict`, and the message is the text of that holder.
  static Result<FileLock> take(const std::string& path, const std::string& who);
  /// Locks a directory. That needs no right to write there; the message of `conflict` is empty.
  static Result<FileLock> take_directory(const std::string& path);

  FileLock(FileLock&& other) noexcept;
  FileLock& operator=(FileLock&&) = delete;
  ~FileLock();

 private:
  explicit FileLock(int descriptor) : descriptor_(descriptor) {}
  int descriptor_;
};

}  // namespace troupe
