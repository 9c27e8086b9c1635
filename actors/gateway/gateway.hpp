#pragma once

#include "actors/coordinator/control.hpp"
#include "actors/gateway/http_server.hpp"
#include "runtime/base/json_fwd.hpp"
#include "runtime/base/metrics.hpp"
#include "runtime/os/file_system.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace troupe {

/// A descriptor as a client sent it.
struct DescriptorRequest {
  std::string text;
  std::string file;  ///< the name shown in messages
  std::map<std::string, std::string> params;
};

/// What became of it: a graph ready to run, or the diagnostics, as the API's JSON.
struct CompiledDescriptor {
  std::optional<JobGraph> graph;
  std::shared_ptr<const Json> diagnostics;
  /// What is no mistake, and yet worth telling.
  std::vector<std::string> notes = {};
};

struct GatewayConfig {
  /// Loopback only: there is no TLS here. To reach it from elsewhere, put a proxy in front.
  std::string address = "127.0.0.1";
  std::uint16_t port = 7400;
  /// Every route but health wants `Authorization: Bearer <token>`.
  std::string token;
  HttpLimits limits = {};
  /// Only whether the node is there, and its metrics: for a node that nobody asks about jobs.
  bool metrics_only = false;
};

/// What the gateway needs of its node. All outlive it.
struct GatewayServices {
  Control& control;
  Metrics& metrics;
  /// Compiles a descriptor elsewhere (on the node's I/O pool), and always answers.
  std::function<void(DescriptorRequest, std::function<void(Result<CompiledDescriptor>)>)> compile;
};

/// The cluster's HTTP API: `Control` as routes, for the command line, SDKs, consoles and curl
/// alike. Owns its server. The contract is `openapi()`, made from the one table of routes.
class Gateway {
 public:
  /// `invalid_argument` where the address is not loopback or the token is short.
  static Result<std::unique_ptr<Gateway>> start(GatewayConfig config, GatewayServices services);
  virtual ~Gateway() = default;
  virtual std::uint16_t port() const = 0;
  virtual void stop() = 0;

  /// The OpenAPI 3.0 contract of this version.
  static Json openapi();
};

/// The token in `path`, made (256 random bits, mode 0600) where there is none yet.
Result<std::string> load_or_make_token(FileSystem& files, const std::string& path);

}  // namespace troupe
