#include "runtime/net/link.hpp"

#include "runtime/net/transport.hpp"

namespace troupe {
namespace {

/// "tcp://127.0.0.1:7070" -> "127.0.0.1"; empty if it has another form.
std::string host_of(const std::string& endpoint) {
  constexpr std::string_view scheme = "tcp://";
  const auto colon = endpoint.rfind(':');
  if (!endpoint.starts_with(scheme) || colon == std::string::npos || colon <= scheme.size() ||
      colon + 1 == endpoint.size()) {
    return {};
  }
  return endpoint.substr(scheme.size(), colon - scheme.size());
}

bool is_loopback(const std::string& host) {
  return host.starts_with("127.") || host == "localhost" || host == "[::1]";
}

bool is_wildcard(const std::string& host) {
  return host == "0.0.0.0" || host == "*" || host == "[::]";
}

Result<> check_address(const std::string& address, std::string_view what) {
  if (!host_of(address).empty()) return {};
  return make_error(ErrorCode::invalid_argument, "'{}' is no {}: expected tcp://HOST:PORT", address,
                    what);
}

Result<> check(const LinkConfig& config, const KeyRing& keys) {
  TRY(check_address(config.bind, "address to listen on"));
  const std::string host = host_of(config.bind);
  if (!is_loopback(host) && !keys.provisioned()) {
    return make_error(
        ErrorCode::invalid_argument,
        "node '{}' would listen on {}, which others than this machine can reach, but it "
        "has no keys: make them with 'troupe keys new' and admit its peers with 'troupe "
        "keys allow', or listen on 127.0.0.1",
        config.session.self, config.bind);
  }
  if (!config.advertise.empty()) return check_address(config.advertise, "address to advertise");
  if (is_wildcard(host)) {
    return make_error(
        ErrorCode::invalid_argument,
        "{} is every address of this machine: say which one peers shall call (advertise)",
        config.bind);
  }
  return {};
}

}  // namespace

Link::Link(std::unique_ptr<Transport> transport) : transport_(std::move(transport)) {}
Link::~Link() = default;

Result<std::unique_ptr<Link>> Link::open(LinkConfig config, KeyRing keys, LinkListener& listener,
                                         Metrics& metrics, Instant now) {
  TRY(check(config, keys));
  auto transport =
      std::make_unique<Transport>(std::move(config), std::move(keys), listener, metrics);
  TRY(transport->start(now));
  return std::unique_ptr<Link>(new Link(std::move(transport)));
}

const std::string& Link::endpoint() const { return transport_->endpoint(); }
const PublicKey& Link::public_key() const { return transport_->public_key(); }

Result<> Link::connect(const NodeId& peer, const std::string& address, bool final_when_lost) {
  TRY(check_address(address, "address of a node"));
  if (peer == transport_->config().session.self) {
    return make_error(ErrorCode::invalid_argument, "node '{}' does not connect to itself", peer);
  }
  transport_->inbox().post(link_command::Connect{peer, address, final_when_lost});
  return {};
}

void Link::forget(const NodeId& peer, const std::string& reason) {
  transport_->inbox().post(link_command::Forget{peer, reason});
}

void Link::final_when_lost(bool final) {
  transport_->inbox().post(link_command::FinalWhenLost{final});
}

void Link::admit(KeyRing keys) { transport_->inbox().post(link_command::Admit{std::move(keys)}); }

Result<> Link::send(const NodeId& peer, Frame frame) {
  ENSURE(frame.tokens().sender == transport_->config().session.self,
         "a message to '{}' in the name of node '{}'", frame.to(), frame.tokens().sender);
  return transport_->inbox().post_frame(peer, std::move(frame));
}

Result<> Link::send_data(const NodeId& peer, DataFrame frame) {
  return transport_->inbox().post_data(peer, std::move(frame));
}

void Link::canary(Instant now) { transport_->canary(now); }
void Link::wait(Duration max) { transport_->wait(max); }
void Link::poll(Instant now) { transport_->poll(now); }
void Link::wake() { transport_->inbox().wake(); }
void Link::leave(const std::string& reason, Duration max) { transport_->leave(reason, max); }

}  // namespace troupe
