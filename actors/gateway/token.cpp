#include "actors/gateway/gateway.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

namespace troupe {
namespace {

Result<std::string> random_token() {
  std::array<unsigned char, 32> bytes;
  if (getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) {
    return fail(ErrorCode::unavailable, "the system gives no random bytes: {}",
                std::strerror(errno));
  }
  std::string token;
  for (const unsigned char byte : bytes) token += fmt::format("{:02x}", byte);
  return token;
}

}  // namespace

Result<std::string> load_or_make_token(FileSystem& files, const std::string& path) {
  if (files.exists(path)) {
    struct stat info;
    if (stat(path.c_str(), &info) == 0 && (info.st_mode & 077) != 0) {
      Error error = fail(ErrorCode::invalid_argument, "others may read the token in '{}'", path);
      error.hint = "remove the file: the next start makes a new token";
      return error;
    }
    std::string token = TRY(files.read(path));
    while (!token.empty() && (token.back() == '\n' || token.back() == ' ')) token.pop_back();
    return token;
  }
  const std::string token = TRY(random_token());
  // Made with its final mode, so that at no moment another user can open it.
  const int descriptor = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (descriptor < 0) {
    return fail(ErrorCode::unavailable, "cannot create '{}': {}", path, std::strerror(errno));
  }
  const bool written =
      ::write(descriptor, token.data(), token.size()) == static_cast<ssize_t>(token.size());
  const bool closed = ::close(descriptor) == 0;
  if (!written || !closed) return fail(ErrorCode::unavailable, "cannot write '{}'", path);
  return token;
}

}  // namespace troupe
