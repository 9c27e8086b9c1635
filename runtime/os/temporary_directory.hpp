#pragma once

#include "runtime/base/result.hpp"

#include <string>

namespace troupe {

/// A directory of its own in the machine's place for such, removed with all it holds when its owner
/// goes. Blocks.
class TemporaryDirectory {
 public:
  /// A new one, whose name begins with `name`.
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
