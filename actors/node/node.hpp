#pragma once

#include "runtime/base/ids.hpp"
#include "runtime/base/metrics.hpp"
#include "runtime/base/result.hpp"
#include "runtime/base/time.hpp"
#include "runtime/control/control.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace troupe {

class OperatorRegistry;

/// A job of a node. One node may have all of them.
enum class Role {
  coordinator,  ///< decides; owns the metadata
  executor,     ///< runs tasks; keeps their partitions
  gateway,      ///< answers clients over HTTP; beside a coordinator
};

Result<Role> parse_role(std::string_view word);
const char* to_string(Role role);

/// Another node and the address at which it listens.
struct PeerAddress {
  NodeId node;
  std::string address;  ///< "tcp://10.0.0.1:7401"
};

/// "a=tcp://10.0.0.1:7401".
Result<PeerAddress> parse_peer(std::string_view text);

struct NodeConfig {
  NodeId name = NodeId("node");
  std::set<Role> roles = {Role::coordinator, Role::executor};
  /// Holds metadata, keys, token, kept partitions. Empty: the node is ephemeral; its metadata is in
  /// memory, its files in a temporary directory, and nothing survives its end.
  std::string data_directory;
  /// Nodes of different clusters refuse each other. A data directory belongs to one cluster.
  std::string cluster = "troupe";

  /// The address that other nodes reach this one at; empty: none does, and no socket is opened. An
  /// address beyond loopback needs keys (`troupe keys new`).
  std::string bind;
  std::string advertise;
  std::string keys_directory;  ///< default: <data>/keys
  /// For an executor without a coordinator of its own.
  std::optional<PeerAddress> coordinator;
  Duration lease = 10s;
  Duration heartbeat = 1s;

  std::uint32_t slots = 0;  ///< subtasks of a stage that it runs at a time; 0: one per core
  /// Subtasks of a stage if a job does not say; 0: as many as the slots that the cluster has when a
  /// run is submitted.
  std::uint32_t parallelism = 0;
  /// Directories and files that jobs may read and write on this node; empty: all that its user may.
  std::vector<std::string> paths = {};
  /// True: blocking edges are kept on disk, so that a lost node does not cost the whole run. False
  /// is for a node that runs all tasks in its own process.
  bool keep_blocking_edges = true;

  /// A node with the gateway role answers HTTP here. Loopback only.
  std::string gateway_address = "127.0.0.1";
  std::uint16_t gateway_port = 7400;
  /// Serves /metrics there, also without the gateway role.
  bool serve_metrics = false;
};

/// One node of a cluster, hosted by this process: the embedding API. `troupe` itself is a thin
/// program around it.
///
///     OperatorRegistry registry(system_files());  // the built-in operators, and your own
///     register_operators(registry);
///     register_connectors(registry);
///     auto node = TRY(Node::start({.name = NodeId("service")}, registry));
///     node->control().ask(SubmitRun{graph}, [](Result<RunStarted> started) { ... });
///
/// Owns its threads, actors, sockets and files, and gives them all back in `stop` or in its
/// destructor. The registry must outlive it. One process may start several.
class Node {
 public:
  /// Blocks until the node can take work (tens of milliseconds). An error tells what is wrong with
  /// the configuration or with the machine.
  static Result<std::unique_ptr<Node>> start(NodeConfig config, const OperatorRegistry& registry);
  virtual ~Node() = default;

  /// Takes requests of clients; only on a node with the coordinator role.
  virtual Control& control() = 0;
  virtual Metrics& metrics() = 0;
  /// The address that other nodes reach it at, with its real port if `bind` had port 0.
  virtual std::string endpoint() const = 0;
  /// 0 if nothing is served over HTTP.
  virtual std::uint16_t gateway_port() const = 0;
  virtual std::string token_file() const = 0;
  /// Why the node has ended by itself (expelled for good, its coordinator failed); none while it
  /// works.
  virtual std::optional<Error> failure() const = 0;
  /// Leaves the cluster and ends all actors; idempotent.
  virtual void stop() = 0;
};

}  // namespace troupe
