#pragma once

#include "deploy/cli/verb.hpp"
#include "runtime/base/json_fwd.hpp"
#include "runtime/base/result.hpp"
#include "runtime/base/time.hpp"

#include <string>

namespace troupe {

/// Where a gateway is and the token it wants.
struct ApiAddress {
  std::string host = "127.0.0.1";
  std::string port = "7400";
  std::string token;
};

/// Talks to a gateway, one request at a time, and blocks. Errors of the server come back as they
/// are; `unavailable` where there is no server.
class ApiClient {
 public:
  explicit ApiClient(ApiAddress address) : address_(std::move(address)) {}

  Result<Json> get(const std::string& target, Duration patience = 15s) const;
  Result<Json> post(const std::string& target, const Json& body, Duration patience = 60s) const;

  const ApiAddress& address() const { return address_; }

 private:
  struct Answer {
    int status = 0;
    std::string body;
  };
  Result<Answer> exchange(const char* method, const std::string& target, const std::string& body,
                          Duration patience) const;
  Result<Json> read(Result<Answer> answer) const;

  ApiAddress address_;
};

/// The arguments by which every verb that talks to a cluster finds it.
std::vector<VerbArgument> api_arguments();
/// `--address`, `--token` and `--token-file`, or what the last `troupe dev` or `troupe node` on
/// this machine left behind.
Result<ApiClient> api_client(const VerbArguments& arguments);

/// Tells later calls on this machine where the gateway of a node is; its owner may read it alone.
Result<> remember_gateway(const std::string& address, const std::string& token_file);

/// "a b/c" -> "a%20b%2Fc".
std::string url_encode(std::string_view text);

}  // namespace troupe
