#pragma once

#include "deploy/cli/verb.hpp"
#include "runtime/base/result.hpp"
#include "runtime/base/time.hpp"
#include "runtime/control/request_text.hpp"

#include <optional>
#include <string>
#include <utility>

namespace troupe {

/// The address of a gateway and its token.
struct ApiAddress {
  std::string host = "127.0.0.1";
  std::string port = "7400";
  std::string token;
};

/// Sends a gateway the requests that `Control` takes within a process, one at a time, and blocks.
/// Errors of the server come back as they are; `unavailable` if there is no server.
class ApiClient {
 public:
  explicit ApiClient(ApiAddress address) : address_(std::move(address)) {}

  /// The answer to this request, by its route in the API. Without `patience`, requests that read
  /// have 15 s, and requests that change something 60 s.
  template <class R>
  Result<typename R::Answer> ask(R request, std::optional<Duration> patience = {}) const {
    return std::get<typename R::Answer>(TRY(ask_any(std::move(request), patience)));
  }

  const ApiAddress& address() const { return address_; }

 private:
  struct Answer {
    int status = 0;
    std::string body;
  };
  Result<AnyAnswer> ask_any(const AnyRequest& request, std::optional<Duration> patience) const;
  Result<Answer> exchange(const HttpCall& call, Duration patience) const;

  ApiAddress address_;
};

/// The arguments of every verb that talks to a cluster.
std::vector<VerbArgument> api_arguments();
/// Reads `--address`, `--token` and `--token-file`, or the file that the last `troupe dev` or
/// `troupe node` on this machine has left.
Result<ApiClient> api_client(const VerbArguments& arguments);

/// Writes down the address of a node's gateway for later calls on this machine. Only the owner may
/// read it.
Result<> remember_gateway(const std::string& address, const std::string& token_file);

}  // namespace troupe
