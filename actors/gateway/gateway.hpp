#pragma once

#include "actors/gateway/http_server.hpp"
#include "runtime/base/json_fwd.hpp"
#include "runtime/base/metrics.hpp"
#include "runtime/control/control.hpp"
#include "runtime/os/file_system.hpp"

#include <cstdint>
#include <memory>
#include <string>

namespace troupe {

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
};

/// The cluster's HTTP API, for the command line, SDKs, consoles and curl alike: requests as the
/// table of `runtime/control/routes.hpp` has them, handed to `Control`. Owns its server.
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
