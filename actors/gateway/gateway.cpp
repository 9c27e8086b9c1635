#include "actors/gateway/gateway.hpp"

#include "runtime/base/json.hpp"
#include "runtime/base/json_text.hpp"
#include "runtime/control/answer_json.hpp"
#include "runtime/control/openapi.hpp"
#include "runtime/control/request_text.hpp"

#include <algorithm>
#include <functional>
#include <vector>

namespace troupe {
namespace {

using Respond = HttpServer::Respond;

constexpr std::size_t token_bytes_min = 16;
/// A client's wait is cut to this, so that the answer comes before the server gives up the request.
constexpr std::chrono::seconds wait_max = 30s;

int status_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::invalid_argument:
    case ErrorCode::unsupported:
      return 400;
    case ErrorCode::not_allowed:
      return 401;
    case ErrorCode::not_found:
      return 404;
    case ErrorCode::already_exists:
    case ErrorCode::conflict:
      return 409;
    case ErrorCode::unavailable:
      return 503;
    case ErrorCode::timeout:
      return 504;
    case ErrorCode::cancelled:
      return 409;
    case ErrorCode::corrupt:
    case ErrorCode::internal:
      return 500;
  }
  return 500;
}

HttpResponse ok(const Json& body, int status = 200) {
  return {status, "application/json", json_text(body) + "\n"};
}

HttpResponse refused(const Error& error, int status = 0) {
  return {status ? status : status_of(error.code), "application/json",
          json_text({{"error", to_json(error)}}) + "\n"};
}

/// Compares in constant time: the time must not tell how much of a guess was right.
bool same_secret(std::string_view a, std::string_view b) {
  unsigned char difference = a.size() == b.size() ? 0 : 1;
  for (std::size_t i = 0; i < a.size() && i < b.size(); ++i) {
    difference |= static_cast<unsigned char>(a[i] ^ b[i]);
  }
  return difference == 0;
}

/// Sets what a client may not choose itself.
template <class R>
void complete(R& request) {
  if constexpr (requires { request.request; }) complete(request.request);
  if constexpr (requires { request.submitted_by; }) request.submitted_by = "api";
  if constexpr (requires { request.reason; }) request.reason = "a client of the API";
  if constexpr (requires { request.wait; }) request.wait = std::min(request.wait, wait_max);
}

/// Routes that a node answers by itself, without the coordinator.
constexpr NodeRoute health_route{
    {"GET", "/api/v1/health", Access::open, "Is the node there?", 200, "Health"}, "Health"};
constexpr NodeRoute contract_route{
    {"GET", "/api/v1/openapi.json", Access::open, "This contract.", 200, "Contract"}, "object"};
constexpr NodeRoute metrics_route{
    {"GET", "/metrics", Access::read, "All metrics, in Prometheus' text format.", 200, "Metrics"},
    "text"};

class HttpGateway final : public Gateway {
 public:
  HttpGateway(GatewayConfig config, GatewayServices services)
      : config_(std::move(config)),
        services_(std::move(services)),
        refused_(services_.metrics.counter("troupe_gateway_refused_total",
                                           "API requests without a valid token.")),
        served_(services_.metrics.counter("troupe_gateway_requests_total", "API requests.")),
        malformed_(services_.metrics.gauge("troupe_gateway_malformed",
                                           "Requests that were not HTTP, since start.")) {
    serve_own(health_route, [](const Respond& respond) { respond(ok({{"status", "ok"}})); });
    serve_own(contract_route, [](const Respond& respond) { respond(ok(openapi())); });
    serve_own(metrics_route, [this](const Respond& respond) {
      malformed_.set(static_cast<double>(server_->malformed()));
      respond({200, "text/plain; version=0.0.4", services_.metrics.text()});
    });
    each_route([this](const Route& route) {
      pages_.push_back(
          {route, true,
           [this, &route](const HttpRequest& request, PathValues path, Respond respond) {
             pass_on(route, request, std::move(path), std::move(respond));
           }});
    });
  }

  Result<> open() {
    server_ = TRY(HttpServer::listen(config_.address, config_.port, config_.limits));
    server_->serve(
        [this](HttpRequest request, Respond respond) { dispatch(request, std::move(respond)); });
    return {};
  }

  std::uint16_t port() const override { return server_->port(); }
  void stop() override {
    if (server_) server_->stop();
  }

 private:
  struct Page {
    const Route& route;
    bool of_cluster;  ///< needs the coordinator: only on a node with the gateway role
    std::function<void(const HttpRequest&, PathValues, Respond)> serve;
  };

  void serve_own(const Route& route, std::function<void(const Respond&)> answer) {
    pages_.push_back({route, false,
                      [answer = std::move(answer)](const HttpRequest&, const PathValues&,
                                                   const Respond& respond) { answer(respond); }});
  }

  void dispatch(const HttpRequest& request, Respond respond) {
    served_.add();
    bool known_path = false;
    for (const Page& page : pages_) {
      auto path = match(page.route, request.path);
      if (!path) continue;
      known_path = true;
      if (request.method != page.route.method) continue;
      if (const auto admitted = admits(page, request); !admitted) {
        return respond(refused(admitted.error()));
      }
      return page.serve(request, *std::move(path), std::move(respond));
    }
    if (known_path) {
      return respond(refused(
          make_error(ErrorCode::invalid_argument, "{} is not possible here", request.method), 405));
    }
    respond(
        refused(make_error(ErrorCode::not_found, "no route {} {}", request.method, request.path)));
  }

  /// Checked when the route is known, for health and the contract need no token.
  Result<> admits(const Page& page, const HttpRequest& request) {
    if (page.of_cluster && config_.metrics_only) {
      Error error = make_error(ErrorCode::not_found, "this node has no gateway role");
      error.hint = "it serves /metrics; ask the node that coordinates";
      return error;
    }
    if (page.route.access == Access::open || holds_token(request)) return {};
    refused_.add();
    Error error = make_error(ErrorCode::not_allowed, "no valid token");
    error.hint = "send `Authorization: Bearer <token>`; the node keeps it in gateway.token";
    return error;
  }

  bool holds_token(const HttpRequest& request) const {
    constexpr std::string_view scheme = "Bearer ";
    const std::string_view given = request.authorization;
    return given.starts_with(scheme) && same_secret(given.substr(scheme.size()), config_.token);
  }

  void pass_on(const Route& route, const HttpRequest& request, PathValues path, Respond respond) {
    for (auto& [name, value] : path) value = url_decode(value);
    auto asked = read_request(route, {std::move(path), request.query, request.body});
    if (!asked) return respond(refused(asked.error()));
    std::visit([](auto& one) { complete(one); }, *asked);
    services_.control.take(
        *std::move(asked), [respond = std::move(respond), &route](Result<AnyAnswer> answer) {
          if (!answer) return respond(refused(answer.error()));
          respond(ok(to_json(*answer), has_mistakes(*answer) ? mistakes_status : route.status));
        });
  }

  const GatewayConfig config_;
  const GatewayServices services_;
  MetricCounter& refused_;
  MetricCounter& served_;
  MetricGauge& malformed_;
  std::vector<Page> pages_;
  std::unique_ptr<HttpServer> server_;
};

bool is_loopback(const std::string& address) {
  return address.starts_with("127.") || address == "::1";
}

}  // namespace

Result<std::unique_ptr<Gateway>> Gateway::start(GatewayConfig config, GatewayServices services) {
  if (!is_loopback(config.address)) {
    Error error = make_error(ErrorCode::invalid_argument,
                             "the gateway has no TLS and will not listen on '{}'", config.address);
    error.hint = "listen on 127.0.0.1 and put a TLS proxy or an SSH tunnel in front";
    return error;
  }
  if (config.token.size() < token_bytes_min) {
    return make_error(ErrorCode::invalid_argument,
                      "the gateway's token has less than {} characters", token_bytes_min);
  }
  auto gateway = std::make_unique<HttpGateway>(std::move(config), std::move(services));
  TRY(gateway->open());
  return std::unique_ptr<Gateway>(std::move(gateway));
}

Json Gateway::openapi() { return troupe::openapi({health_route, contract_route, metrics_route}); }

}  // namespace troupe
