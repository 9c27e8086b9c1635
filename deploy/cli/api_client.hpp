#pragma once

#include "deploy/cli/verb.hpp"
#include "runtime/base/result.hpp"
#include "runtime/base/time.hpp"
#include "runtime/control/request_text.hpp"

#include <optional>
#include <string>
#include <utility>

namespace troupe {

/// Where a gateway is and the token it wants.
struct ApiAddress {
  std::string host = "127.0.0.1";
  std::string port = "7400";
  std::string token;
};

/// Asks a gateway what `Control` is asked in a process, one request at a time, and blocks. Errors
/// of the server come back as they are; `unavailable` where there is no server.
class ApiClient {
 public:
  explicit ApiClient(ApiAddress address) : address_(std::move(address)) {}

  /// The answer to this request, by the route that the API has for it. Without `patience` what is
  /// read has 15 s, and what changes something 60 s.
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

/// The arguments by which every verb that talks to a cluster finds it.
std::vector<VerbArgument> api_arguments();
/// `--address`, `--token` and `--token-file`, or what the last `troupe dev` or `troupe node` on
/// this machine left behind.
Result<ApiClient> api_client(const VerbArguments& arguments);

/// Tells later calls on this machine where the gateway of a node is; its owner may read it alone.
Result<> remember_gateway(const std::string& address, const std::string& token_file);

}  // namespace troupe
