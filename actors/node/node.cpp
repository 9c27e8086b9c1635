#include "actors/node/node.hpp"

#include "actors/gateway/gateway.hpp"
#include "actors/node/control_switch.hpp"
#include "actors/node/data_directory.hpp"
#include "actors/node/node_body.hpp"
#include "runtime/base/log.hpp"
#include "runtime/base/restart_policy.hpp"
#include "runtime/graph/path_limits.hpp"
#include "runtime/os/own_files.hpp"
#include "runtime/os/random.hpp"

#include <algorithm>
#include <array>
#include <condition_variable>
#include <mutex>
#include <stdlib.h>
#include <thread>
#include <utility>

namespace troupe {
namespace {

constexpr std::array<std::pair<Role, const char*>, 3> role_words{
    {{Role::coordinator, "coordinator"}, {Role::executor, "executor"}, {Role::gateway, "gateway"}}};

/// A change of the key list is seen after at most this long.
constexpr Duration keys_look_every = 1s;

/// A node whose body ends more often than this stays down: its operator must look at it.
constexpr RestartLimits body_limits{
    .attempts = 5, .window = 1min, .initial_delay = 100ms, .max_delay = 5s};

Result<> check(const NodeConfig& config) {
  const auto wrong = [](std::string message, std::string hint) {
    Error error{ErrorCode::invalid_argument, std::move(message)};
    error.hint = std::move(hint);
    return error;
  };
  TRY(check_node_name(config.name));
  if (config.roles.empty()) {
    return wrong("the node has no role", "--roles coordinator,executor,gateway");
  }
  const bool leads = config.roles.contains(Role::coordinator);
  if (config.roles.contains(Role::gateway) && !leads) {
    return wrong("a gateway needs the coordinator in its node", "add the role coordinator");
  }
  if (!leads && !config.coordinator) {
    return wrong("an executor needs a coordinator", "--coordinator NAME=tcp://HOST:PORT");
  }
  if (!leads && config.bind.empty()) {
    return wrong("an executor of a cluster needs an address", "--bind tcp://HOST:PORT");
  }
  if (leads && config.coordinator) {
    return wrong("a node with the coordinator role is its own coordinator",
                 "leave --coordinator out, or the role");
  }
  return {};
}

/// Counts the incarnations of this node. The number is durable before it is used: a repeated one
/// would be taken for the process before.
Result<Incarnation> next_incarnation(const NodePaths& paths, Incarnation above) {
  FileSystem& files = own_files();
  std::uint64_t last = above.value();
  if (const auto text = files.read(paths.incarnation()); text) {
    last = std::max(last, static_cast<std::uint64_t>(std::strtoull(text->c_str(), nullptr, 10)));
  }
  TRY(write_atomically(files, paths.incarnation(), std::to_string(last + 1)));
  return Incarnation(last + 1);
}

/// The node: one body after the other, and the parts that outlive bodies.
class HostedNode final : public Node {
 public:
  HostedNode(NodeConfig config, OperatorRegistry registry, DataDirectory directory)
      : config_(std::move(config)),
        registry_(std::move(registry)),
        directory_(std::move(directory)) {}

  ~HostedNode() override { stop(); }

  Result<> begin() {
    if (!config_.bind.empty()) {
      if (config_.keys_directory.empty())
        config_.keys_directory = directory_.paths().data + "/keys";
      TRY(own_files().make_directories(config_.keys_directory));
      keys_lock_.emplace(TRY(lock_keys(config_.keys_directory)));
      keys_ = TRY(KeyDirectory(own_files(), config_.keys_directory).load_or_create());
    }
    TRY(start_body(Incarnation(0)));
    if (config_.roles.contains(Role::gateway) || config_.serve_metrics) TRY(start_gateway());
    supervisor_ = std::thread([this] { supervise(); });
    return {};
  }

  Control& control() override {
    ENSURE(config_.roles.contains(Role::coordinator), "this node does not coordinate");
    return control_;
  }
  Metrics& metrics() override { return metrics_; }
  std::string endpoint() const override {
    const std::lock_guard lock(mutex_);
    return endpoint_;
  }
  std::uint16_t gateway_port() const override { return gateway_ ? gateway_->port() : 0; }
  std::string token_file() const override { return directory_.paths().token(); }
  std::optional<Error> failure() const override {
    const std::lock_guard lock(mutex_);
    return failure_;
  }

  void stop() override {
    {
      const std::lock_guard lock(mutex_);
      if (stopping_) return;
      stopping_ = true;
    }
    changed_.notify_all();
    if (supervisor_.joinable()) supervisor_.join();
    if (gateway_) gateway_->stop();
    end_body();
  }

 private:
  Result<> start_body(Incarnation above) {
    const Incarnation incarnation = TRY(next_incarnation(directory_.paths(), above));
    auto body =
        TRY(NodeBody::start({.config = config_,
                             .paths = directory_.paths(),
                             .planner = planner_,
                             .metrics = metrics_,
                             .incarnation = incarnation,
                             .keys = keys_,
                             .ended = [this](BodyEnd end) { body_ended(std::move(end)); }}));
    const std::lock_guard lock(mutex_);
    body_ = std::move(body);
    endpoint_ = body_->endpoint();
    control_.turn_to(body_->control());
    return {};
  }

  void end_body(const std::optional<Error>& reason = {}) {
    std::unique_ptr<NodeBody> body;
    {
      const std::lock_guard lock(mutex_);
      control_.turn_away(reason);
      body = std::move(body_);
    }
    if (body) body->stop();
  }

  Result<> start_gateway() {
    GatewayConfig gateway;
    gateway.address = config_.gateway_address;
    gateway.port = config_.gateway_port;
    gateway.metrics_only = !config_.roles.contains(Role::gateway);
    gateway.token = TRY(load_or_make_token(own_files(), token_file()));
    gateway_ = TRY(Gateway::start(std::move(gateway), {.control = control_, .metrics = metrics_}));
    return {};
  }

  void body_ended(BodyEnd end) {
    {
      const std::lock_guard lock(mutex_);
      if (!end_) end_ = std::move(end);
    }
    changed_.notify_all();
  }

  /// Lets `troupe keys allow` and `revoke` count without a new start. If the files cannot be read
  /// now (one is being replaced), the next look reads them.
  void read_keys_again() {
    if (!keys_ || !body_) return;
    auto ring = KeyDirectory(own_files(), config_.keys_directory).load_or_create();
    if (!ring || ring->allowed() == keys_->allowed()) return;
    // With another key of its own the node would be another node: that needs a new start.
    if (!(ring->own().public_key() == keys_->own().public_key())) return;
    log::info("node {}: {} other nodes are admitted now", config_.name, ring->allowed().size());
    keys_ = *std::move(ring);
    body_->admit(*keys_);
  }

  /// Makes a new body when one has ended, unless that happens too often.
  void supervise() {
    RestartPolicy policy(body_limits);
    Random random = Random::from_system();
    for (;;) {
      BodyEnd end;
      {
        std::unique_lock lock(mutex_);
        while (!changed_.wait_for(lock, keys_look_every, [this] { return stopping_ || end_; })) {
          lock.unlock();
          read_keys_again();
          lock.lock();
        }
        if (stopping_) return;
        end = *std::exchange(end_, std::nullopt);
      }
      log::warn("node {}: {}", config_.name, end.reason.message);
      end_body(end.reason);
      const auto decision = end.for_good ? RestartDecision{}
                                         : policy.on_failure(FailureClass::internal,
                                                             system_clock().now(), random.next());
      if (!decision.restart) return give_up(end.reason);
      if (!pause(decision.delay)) return;
      // A failed start counts like a body that ended: its cause may pass.
      if (const auto started = start_body(end.highest); !started) {
        body_ended({started.error(), end.highest, !retryable(started.error().code)});
      }
    }
  }

  /// False if the node was told to stop meanwhile.
  bool pause(Duration delay) {
    std::unique_lock lock(mutex_);
    return !changed_.wait_for(lock, delay, [this] { return stopping_; });
  }

  void give_up(const Error& reason) {
    const std::lock_guard lock(mutex_);
    failure_ = reason;
  }

  NodeConfig config_;
  const OperatorRegistry registry_;  ///< limited to the paths of the configuration
  Planner planner_{registry_};
  const DataDirectory directory_;
  Metrics metrics_;
  ControlSwitch control_;
  std::optional<FileLock> keys_lock_;
  std::optional<KeyRing> keys_;
  std::unique_ptr<Gateway> gateway_;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::unique_ptr<NodeBody> body_;
  std::string endpoint_;
  std::optional<BodyEnd> end_;
  std::optional<Error> failure_;
  bool stopping_ = false;
  std::thread supervisor_;
};

}  // namespace

Result<Role> parse_role(std::string_view word) {
  for (const auto& [role, known] : role_words) {
    if (word == known) return role;
  }
  Error error = make_error(ErrorCode::invalid_argument, "'{}' is no role", word);
  error.hint = "coordinator, executor or gateway";
  return error;
}

const char* to_string(Role role) { return role_words[static_cast<std::size_t>(role)].second; }

Result<PeerAddress> parse_peer(std::string_view text) {
  const auto equals = text.find('=');
  if (equals == 0 || equals == std::string_view::npos || equals + 1 == text.size()) {
    return make_error(ErrorCode::invalid_argument, "'{}' is not NAME=tcp://HOST:PORT", text);
  }
  PeerAddress peer{NodeId(std::string(text.substr(0, equals))),
                   std::string(text.substr(equals + 1))};
  TRY(check_node_name(peer.node));
  return peer;
}

Result<std::unique_ptr<Node>> Node::start(NodeConfig config, const OperatorRegistry& registry) {
  TRY(check(config));
  auto directory = TRY(DataDirectory::open(config.data_directory, config.name));
  if (config.slots == 0) config.slots = std::max(1u, std::thread::hardware_concurrency());
  OperatorRegistry limited =
      limited_to(registry, TRY(AllowedPaths::make(registry.files(), config.paths)));
  auto node =
      std::make_unique<HostedNode>(std::move(config), std::move(limited), std::move(directory));
  TRY(node->begin());
  return std::unique_ptr<Node>(std::move(node));
}

}  // namespace troupe
