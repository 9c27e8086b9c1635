#include "actors/gateway/gateway.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <sys/random.h>

namespace troupe {
namespace {

Result<std::string> random_token() {
  std::array<unsigned char, 32> bytes;
  if (getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) {
    return make_error(ErrorCode::unavailable, "the system gives no random bytes: {}",
                      std::strerror(errno));
  }
  std::string token;
  for (const unsigned char byte : bytes) token += fmt::format("{:02x}", byte);
  return token;
}

}  // namespace

Result<std::string> load_or_make_token(FileSystem& files, const std::string& path) {
  if (files.exists(path)) {
    if (!TRY(files.is_private(path))) {
      Error error =
          make_error(ErrorCode::invalid_argument, "others may read the token in '{}'", path);
      error.hint = "remove the file: the next start makes a new token";
      return error;
    }
    std::string token = TRY(files.read(path));
    while (!token.empty() && (token.back() == '\n' || token.back() == ' ')) token.pop_back();
    return token;
  }
  const std::string token = TRY(random_token());
  TRY(write_atomically(files, path, token));
  return token;
}

}  // namespace troupe
