#include "actors/node/node.hpp"

#include "actors/gateway/http_server.hpp"
#include "deploy/cli/api_client.hpp"
#include "deploy/cli/signals.hpp"
#include "deploy/cli/verb.hpp"
#include "runtime/base/json.hpp"
#include "runtime/base/log.hpp"
#include "runtime/operator/options.hpp"

#include <filesystem>
#include <thread>
#include <unistd.h>

namespace troupe {
namespace {

constexpr auto look_every = std::chrono::milliseconds(50);
constexpr std::uint32_t port_max = 65535;
constexpr std::uint16_t gateway_port_default = 7400;
constexpr std::uint32_t slots_max = 4096;
/// With a shorter lease a machine that is only busy looks dead.
constexpr Duration lease_min = 100ms;

std::vector<std::string> words_of(const std::string& list) {
  std::vector<std::string> words;
  for (std::size_t from = 0; from <= list.size();) {
    const auto end = std::min(list.find(',', from), list.size());
    if (end > from) words.push_back(list.substr(from, end - from));
    from = end + 1;
  }
  return words;
}

std::string host_name() {
  char name[256] = {};
  return ::gethostname(name, sizeof name - 1) == 0 && name[0] ? name : "node";
}

Result<Duration> parse_lease(const std::string& text) {
  const Duration lease = TRY(parse_duration(text));
  if (lease < lease_min) {
    return make_error(ErrorCode::invalid_argument, "'{}' is no lease: at least 100ms", text);
  }
  return lease;
}

Result<NodeConfig> config_of(const VerbArguments& arguments) {
  NodeConfig config;
  config.name = NodeId(arguments.has("name") ? arguments.text("name") : host_name());
  config.roles.clear();
  for (const std::string& word : words_of(arguments.text("roles"))) {
    config.roles.insert(TRY(from_argument("--roles", parse_role(word))));
  }
  config.data_directory = arguments.text("data");
  config.cluster = arguments.text("cluster");
  config.bind = arguments.text("bind");
  config.advertise = arguments.text("advertise");
  config.keys_directory = arguments.text("keys");
  if (arguments.has("coordinator")) {
    config.coordinator =
        TRY(from_argument("--coordinator", parse_peer(arguments.text("coordinator"))));
  }
  config.lease = TRY(from_argument("--lease", parse_lease(arguments.text("lease"))));
  config.heartbeat = config.lease / 10;
  config.slots = TRY(arguments.integer("slots", 0, slots_max));
  config.parallelism = TRY(arguments.integer("parallelism", 0, slots_max));
  for (const std::string& place : words_of(arguments.text("paths"))) config.paths.push_back(place);
  config.gateway_address = arguments.text("listen");
  // Nodes of one machine must not fight for one port, so only a gateway, which people call, has a
  // fixed one.
  config.gateway_port = config.roles.contains(Role::gateway) ? gateway_port_default : 0;
  if (arguments.has("port")) {
    config.gateway_port = static_cast<std::uint16_t>(TRY(arguments.integer("port", 0, port_max)));
  }
  config.serve_metrics = true;
  return config;
}

std::vector<VerbArgument> node_arguments() {
  return {
      {.names = "--data",
       .help = "where metadata, keys and kept partitions are",
       .value_name = "DIR",
       .default_value = "troupe-data",
       .environment = "TROUPE_DATA"},
      {.names = "--name",
       .help = "of this node, unique in the cluster; default: the host's",
       .value_name = "NAME",
       .environment = "TROUPE_NODE_NAME"},
      {.names = "--listen",
       .help = "loopback address of the gateway, or of /metrics on a node without that role",
       .value_name = "HOST",
       .default_value = "127.0.0.1"},
      {.names = "--port",
       .help = "port there; 0 takes a free one, as does a node without the gateway role "
               "[default: 7400]",
       .value_name = "PORT"},
      {.names = "--slots",
       .help = "subtasks of a stage that it runs at a time; 0: one a core",
       .value_name = "N",
       .default_value = "0"},
      {.names = "--parallelism",
       .help = "subtasks of a stage where a job does not say; 0: the slots of all nodes together",
       .value_name = "N",
       .default_value = "0"},
      {.names = "--paths",
       .help = "directories that jobs may read and write here, parted by commas; without it all "
               "that the node's user may",
       .value_name = "LIST",
       .environment = "TROUPE_PATHS"},
      {.names = "--lease",
       .help = "silence after which a node counts as dead",
       .value_name = "TIME",
       .default_value = "10s"},
      {.names = "--cluster",
       .help = "its cluster: nodes of other clusters are refused",
       .value_name = "NAME",
       .default_value = "troupe"},
      {.names = "--roles",
       .help = "coordinator, executor, gateway",
       .value_name = "LIST",
       .default_value = "coordinator,executor,gateway"},
      {.names = "--bind",
       .help = "where other nodes reach it; without it none does",
       .value_name = "tcp://HOST:PORT"},
      {.names = "--advertise",
       .help = "what other nodes are told to call back, where that is not the same",
       .value_name = "tcp://HOST:PORT"},
      {.names = "--keys",
       .help = "its keys; default: <data>/keys",
       .value_name = "DIR",
       .environment = "TROUPE_KEYS"},
      {.names = "--coordinator",
       .help = "the coordinator's name and address, for an executor",
       .value_name = "NAME=tcp://HOST:PORT"},
  };
}

/// Runs until a signal, or until the node ends by itself.
Result<ExitCode> serve(Node& node) {
  while (noted_signal() == 0) {
    if (const auto failure = node.failure()) {
      node.stop();
      return *failure;
    }
    std::this_thread::sleep_for(look_every);
  }
  node.stop();
  return ExitCode::done;
}

Result<> announce(Node& node, const NodeConfig& config, const Output& out) {
  Json about = {{"node", config.name.value()}};
  if (!node.endpoint().empty()) about["endpoint"] = node.endpoint();
  const std::string address =
      host_and_port(config.gateway_address, std::to_string(node.gateway_port()));
  if (config.roles.contains(Role::gateway)) {
    about["gateway"] = "http://" + address;
    TRY(remember_gateway(address, std::filesystem::absolute(node.token_file()).string()));
  }
  if (node.gateway_port() != 0) {
    about["metrics"] = fmt::format("http://{}/metrics", address);
    about["token_file"] = node.token_file();
  }
  if (out.json()) {
    out.object(about);
  } else {
    for (const auto& [key, value] : about.items()) {
      out.say(fmt::format("{:<12}{}", key, value.get<std::string>()));
    }
    out.say("ready");
  }
  return {};
}

class NodeVerb final : public Verb {
 public:
  const VerbDescription& description() const override {
    static const VerbDescription description{
        .name = "node",
        .summary = "a member of a cluster, until it is told to end",
        .arguments = node_arguments(),
        .example =
            "troupe node --name b --data b/data --keys b/keys --roles executor\n"
            "    --bind tcp://10.0.0.2:7401 --coordinator a=tcp://10.0.0.1:7401",
        .details =
            "Nodes know each other by their keys alone: `troupe keys new`, `troupe keys "
            "allow`.\nSIGTERM ends it in order; its work goes on elsewhere."};
    return description;
  }

  Result<ExitCode> run(const VerbArguments& arguments, VerbContext& context) const override {
    note_signals();
    const NodeConfig config = TRY(config_of(arguments));
    auto node = TRY(Node::start(config, context.registry));
    TRY(announce(*node, config, context.out));
    return serve(*node);
  }
};

class DevVerb final : public Verb {
 public:
  const VerbDescription& description() const override {
    static const VerbDescription description{
        .name = "dev",
        .summary = "everything in one process, until it is told to end: for trying things",
        .arguments = {{.names = "--data",
                       .help = "kept between calls; without it nothing is",
                       .value_name = "DIR"},
                      {.names = "--port",
                       .help = "of the gateway, on loopback; 0 takes a free one",
                       .value_name = "PORT",
                       .default_value = "7400"},
                      {.names = "--slots",
                       .help = "subtasks of a stage; 0: one a core",
                       .value_name = "N",
                       .default_value = "0"}},
        .example = "troupe dev"};
    return description;
  }

  Result<ExitCode> run(const VerbArguments& arguments, VerbContext& context) const override {
    note_signals();
    NodeConfig config;
    config.name = NodeId("dev");
    config.roles = {Role::coordinator, Role::executor, Role::gateway};
    config.data_directory = arguments.text("data");
    config.gateway_port = static_cast<std::uint16_t>(TRY(arguments.integer("port", 0, port_max)));
    config.slots = TRY(arguments.integer("slots", 0, slots_max));
    config.keep_blocking_edges = false;
    auto node = TRY(Node::start(config, context.registry));
    TRY(announce(*node, config, context.out));
    context.out.say("try: troupe apply FILE --run --wait        (in another terminal)");
    return serve(*node);
  }
};

}  // namespace

void register_node(VerbList& verbs) {
  verbs.push_back(std::make_unique<DevVerb>());
  verbs.push_back(std::make_unique<NodeVerb>());
}

}  // namespace troupe
