#include "runtime/os/file_lock.hpp"

#include "runtime/base/node_fault.hpp"
#include "runtime/os/clock.hpp"

#include <fmt/chrono.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace troupe {
namespace {

constexpr std::size_t who_bytes_max = 1024;

Error cannot(const char* doing, const std::string& path) {
  return node_fault(
      make_error(ErrorCode::unavailable, "cannot {} '{}': {}", doing, path, std::strerror(errno)));
}

std::string content(int descriptor) {
  std::string text(who_bytes_max, '\0');
  const ssize_t count = ::pread(descriptor, text.data(), text.size(), 0);
  text.resize(count < 0 ? 0 : static_cast<std::size_t>(count));
  return text;
}

std::string holder(const std::string& who) {
  const auto seconds =
      std::chrono::duration_cast<std::chrono::seconds>(system_clock().wall().time_since_epoch());
  return fmt::format("{}, process {}, since {:%Y-%m-%d %H:%M:%S} UTC", who, ::getpid(),
                     fmt::gmtime(static_cast<std::time_t>(seconds.count())));
}

}  // namespace

Result<FileLock> FileLock::take(const std::string& path, const std::string& who) {
  const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (descriptor < 0) return cannot("open", path);
  // `flock`, not `fcntl`: a record lock goes when the process closes any descriptor of the file.
  FileLock lock(descriptor);
  if (::flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return cannot("lock", path);
    return make_error(ErrorCode::conflict, "{}", content(descriptor));
  }
  // The file stays when the lock goes: to remove it would race with a process that just opened it.
  const std::string text = holder(who);
  const bool written =
      ::fchmod(descriptor, 0600) == 0 && ::ftruncate(descriptor, 0) == 0 &&
      ::pwrite(descriptor, text.data(), text.size(), 0) == static_cast<ssize_t>(text.size());
  if (!written) return cannot("write", path);
  return lock;
}

Result<FileLock> FileLock::take_directory(const std::string& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return cannot("open", path);
  FileLock lock(descriptor);
  if (::flock(descriptor, LOCK_EX | LOCK_NB) == 0) return lock;
  if (errno != EWOULDBLOCK) return cannot("lock", path);
  return make_error(ErrorCode::conflict, "");
}

FileLock::FileLock(FileLock&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}

FileLock::~FileLock() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

}  // namespace troupe
