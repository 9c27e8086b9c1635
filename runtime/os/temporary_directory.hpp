#pragma once

#include "runtime/base/result.hpp"

#include <string>

namespace troupe {

/// A new directory in the machine's directory for temporary files. The destructor removes it with
/// all that it holds. Blocks.
class TemporaryDirectory {
 public:
  /// Makes a directory whose name begins with `name`.
  static Result<TemporaryDirectory> make(const std::string& name);
  TemporaryDirectory(TemporaryDirectory&& other) noexcept;
  TemporaryDirectory& operator=(TemporaryDirectory&&) = delete;
  ~TemporaryDirectory();

  const std::string& path() const { return path_; }

 private:
  explicit TemporaryDirectory(std::string path) : path_(std::move(path)) {}
  std::string path_;  ///< empty: given away
};

}  // namespace troupe
