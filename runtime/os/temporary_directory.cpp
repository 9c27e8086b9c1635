#include "runtime/os/temporary_directory.hpp"

#include "runtime/os/file_system.hpp"

#include <filesystem>
#include <stdlib.h>
#include <utility>

namespace troupe {

Result<TemporaryDirectory> TemporaryDirectory::make(const std::string& name) {
  std::string pattern = (std::filesystem::temp_directory_path() / (name + "-XXXXXX")).string();
  if (::mkdtemp(pattern.data()) == nullptr) {
    return make_error(ErrorCode::unavailable, "no directory can be made as '{}'", pattern);
  }
  return TemporaryDirectory(std::move(pattern));
}

TemporaryDirectory::TemporaryDirectory(TemporaryDirectory&& other) noexcept
    : path_(std::exchange(other.path_, {})) {}

TemporaryDirectory::~TemporaryDirectory() {
  if (!path_.empty()) (void)system_files().remove_all(path_);
}

}  // namespace troupe
