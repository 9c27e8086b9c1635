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
  /// Every route but health and the contract wants `Authorization: Bearer <token>`.
  std::string token;
  HttpLimits limits = {};
  /// True for a node without the gateway role: it serves only its health, its metrics and the
  /// contract.
  bool metrics_only = false;
};

/// The parts of its node that the gateway uses. They outlive it.
struct GatewayServices {
  Control& control;
  Metrics& metrics;
};

/// The cluster's HTTP API, for the command line, SDKs, consoles and curl alike. Reads requests by
/// the table of `runtime/control/routes.hpp` and hands them to `Control`. Owns its server.
class Gateway {
 public:
  /// `invalid_argument` if the address is not loopback or the token is short.
  static Result<std::unique_ptr<Gateway>> start(GatewayConfig config, GatewayServices services);
  virtual ~Gateway() = default;
  virtual std::uint16_t port() const = 0;
  virtual void stop() = 0;

  /// The OpenAPI 3.0 contract of this version.
  static Json openapi();
};

/// Reads the token in `path`; makes one (256 random bits, mode 0600) if there is none yet.
Result<std::string> load_or_make_token(FileSystem& files, const std::string& path);

}  // namespace troupe
