#include "actors/node/node_body.hpp"

#include "actors/link/link_service.hpp"
#include "actors/link/proxies.hpp"
#include "actors/node/node_actor.hpp"
#include "actors/store/store_actor.hpp"
#include "runtime/base/log.hpp"
#include "runtime/host/data_plane.hpp"
#include "runtime/metadata/sqlite_store.hpp"
#include "runtime/os/own_files.hpp"
#include "runtime/os/random.hpp"
#include "runtime/protocol/message_codec.hpp"

#include <optional>
#include <utility>

namespace troupe {
namespace {

/// The margin is the lease divided by this: clocks may drift by so much within a lease.
constexpr int lease_margin_share = 10;

LinkConfig link_config(const NodeConfig& config, Incarnation incarnation) {
  LinkConfig link;
  link.session.cluster = ClusterName(config.cluster);
  link.session.self = config.name;
  link.session.incarnation = incarnation;
  link.session.process = Random::from_system().next();
  link.session.heartbeat = config.heartbeat;
  link.session.lease = config.lease;
  link.session.lease_margin = config.lease / lease_margin_share;
  link.bind = config.bind;
  link.advertise = config.advertise;
  return link;
}

class RunningBody final : public NodeBody {
 public:
  explicit RunningBody(Plan plan)
      : plan_(std::move(plan)),
        messages_refused_(plan_.metrics.counter("troupe_messages_refused_total",
                                                "Messages that nobody here takes.")) {
    plan_.metrics
        .gauge("troupe_node_incarnation", "How often this node has begun, over all processes.")
        .set(static_cast<double>(plan_.incarnation.value()));
  }
  ~RunningBody() override { stop(); }

  Result<> begin() {
    if (plan_.keys) TRY(open_link());
    supervisor_ = system_.spawn<NodeActor>("node", plan_.ended);
    if (leads()) TRY(start_coordinator());
    if (works()) TRY(start_executor());
    if (link_) start_link();
    // A node's own coordinator and executor have no link between them: they find each other at
    // once.
    if (leads() && works()) {
      executor_.tell(CoordinatorFound{CoordinatorPort(coordinator_.handle())});
    }
    return {};
  }

  Control* control() override { return control_.get(); }
  ActorSystem& system() override { return system_; }
  std::string endpoint() const override { return link_ ? link_->endpoint() : ""; }
  void admit(KeyRing keys) override {
    if (link_) link_->admit(std::move(keys));
  }

  void stop() override {
    if (std::exchange(stopped_, true)) return;
    // The link first: its handlers tell the actors, and its canary is one of them.
    if (link_) link_->stop("the node ends");
    if (const auto done = system_.shutdown(ActorSystem::shutdown_grace); !done) {
      log::error("node {}: {}", plan_.config.name, done.error().message);
    }
  }

 private:
  bool leads() const { return plan_.config.roles.contains(Role::coordinator); }
  bool works() const { return plan_.config.roles.contains(Role::executor); }

  Result<> open_link() {
    link_ = TRY(LinkService::open(link_config(plan_.config, plan_.incarnation), *plan_.keys,
                                  plan_.metrics, system_.clock()));
    link_->final_when_lost(leads());
    channels_ =
        DataPlane::over(*link_, plan_.metrics, system_.clock(), ClusterName(plan_.config.cluster),
                        plan_.config.name, plan_.incarnation);
    link_->carry(channels_);
    proxies_ = std::make_unique<Proxies>(system_, *link_);
    return {};
  }

  Result<> start_coordinator() {
    const bool ephemeral = plan_.config.data_directory.empty();
    std::shared_ptr<MetadataStore> store = TRY(open_sqlite_store(
        {.path = ephemeral ? ":memory:" : plan_.paths.metadata(),
         .cluster = ClusterName(plan_.config.cluster),
         .who = fmt::format("node '{}'", plan_.config.name),
         .count_tasks =
             [&planner = plan_.planner](const std::string& plan, const PlanTarget& target) {
               return planner.count_tasks(plan, target);
             }},
        system_.clock()));
    store_io_.emplace(IoPool::Limits{.threads = store_threads});
    coordinator_ =
        spawn_coordinator(system_,
                          {.config = {.node_lease = plan_.config.lease},
                           .parallelism = plan_.config.parallelism,
                           .parallelism_alone = plan_.config.slots,
                           .keep_blocking_edges = plan_.config.keep_blocking_edges},
                          {.store = std::move(store),
                           .store_io = *store_io_,
                           .planner = plan_.planner,
                           .metrics = plan_.metrics,
                           .executor = [this](const NodeId& node, Incarnation incarnation) {
                             return executor_of(node, incarnation);
                           }});
    supervisor_.tell(Supervise{coordinator_.handle()});
    control_ = make_control(coordinator_);
    return {};
  }

  Result<> start_executor() {
    TRY(own_files().make_directories(plan_.paths.work()));
    TRY(own_files().make_directories(plan_.paths.snapshots()));
    executor_ = spawn_executor(system_,
                               {.self = plan_.config.name,
                                .incarnation = plan_.incarnation,
                                .address = endpoint(),
                                .slots = plan_.config.slots},
                               {.planner = plan_.planner,
                                .metrics = plan_.metrics,
                                .files = own_files(),
                                .directory = plan_.paths.work(),
                                .snapshots = plan_.paths.snapshots(),
                                .remote = channels_.get(),
                                .expelled = [this](std::string reason, Incarnation highest) {
                                  plan_.ended({make_error(ErrorCode::conflict, "{}", reason),
                                               highest, highest == Incarnation(0)});
                                }});
    supervisor_.tell(Supervise{executor_.handle()});
    if (link_) {
      const auto store =
          spawn_store(system_, *link_,
                      {.files = {KeptFiles(own_files(), plan_.paths.work()),
                                 SnapshotStore(own_files(), plan_.paths.snapshots())},
                       .plane = channels_,
                       .metrics = plan_.metrics});
      supervisor_.tell(Supervise{store.handle()});
    }
    return {};
  }

  void start_link() {
    link_->on_frames(std::string(coordinator_address),
                     [this](const NodeId& peer, const Frame& frame) { hear_report(peer, frame); });
    link_->on_frames(std::string(executor_address),
                     [this](const NodeId& peer, const Frame& frame) { hear_command(peer, frame); });
    link_->on_peers([this](const NodeId& peer, const PeerEvent& event) {
      // Before the actors hear of it, for they make proxies of a conversation that has just begun.
      proxies_->on_peer(peer, event);
      if (leads()) tell_coordinator(peer, event);
      if (works() && !leads() && peer == plan_.config.coordinator->node) {
        tell_executor(peer, event);
      }
    });
    link_->start(system_);
    if (plan_.config.coordinator) {
      const auto& [node, address] = *plan_.config.coordinator;
      if (const auto done = link_->connect(node, address); !done) {
        plan_.ended({done.error(), {}, true});
      }
    }
  }

  Sender sender() const {
    return {ClusterName(plan_.config.cluster), plan_.config.name, plan_.incarnation};
  }

  ExecutorPort executor_of(const NodeId& node, Incarnation incarnation) {
    if (node == plan_.config.name && incarnation == plan_.incarnation) {
      return ExecutorPort(executor_.handle());
    }
    if (!proxies_) return {};
    return ExecutorPort(
        proxies_->make(node, incarnation, "executor", [sender = sender()](const Message& message) {
          return frame_of(*message.get<Command>(), sender);
        }));
  }

  CoordinatorPort coordinator_of(const NodeId& node, Incarnation incarnation) {
    return CoordinatorPort(proxies_->make(
        node, incarnation, "coordinator", [sender = sender()](const Message& message) {
          return frame_of(message.get<Reported>()->report, sender);
        }));
  }

  void hear_report(const NodeId& peer, const Frame& frame) {
    if (!leads()) return refuse(peer, "a report, but it is no coordinator");
    auto report = report_of(frame);
    if (!report) return refuse(peer, report.error().message);
    coordinator_.tell(Reported{peer, *std::move(report)});
  }

  void hear_command(const NodeId& peer, const Frame& frame) {
    if (!works() || !plan_.config.coordinator || peer != plan_.config.coordinator->node) {
      return refuse(peer, "a command, but it is not this node's coordinator");
    }
    auto command = command_of(frame);
    if (!command) return refuse(peer, command.error().message);
    executor_.tell(*std::move(command));
  }

  void refuse(const NodeId& peer, const std::string& why) {
    messages_refused_.add();
    log::warn("refused from {}: {}", peer, why);
  }

  /// The end of a conversation is no event here: the coordinator sees it as the `Down` of a proxy.
  void tell_coordinator(const NodeId& peer, const PeerEvent& event) {
    const auto tell = [&](ClusterEvent told) {
      coordinator_.tell(CoordinatorTold{CoordinatorEvent(std::move(told))}, Priority::high);
    };
    if (std::holds_alternative<session_effect::Closed>(event)) {
      tell(cluster_event::Closed{peer});
    } else if (std::holds_alternative<session_effect::Resumed>(event)) {
      tell(cluster_event::Resumed{peer});
    } else if (const auto* lease = std::get_if<session_effect::LeaseEnded>(&event)) {
      tell(cluster_event::LeaseEnded{peer, lease->incarnation});
    } else if (const auto* fenced = std::get_if<session_effect::Fenced>(&event)) {
      // Another node has met a higher incarnation of this coordinator: our count fell behind, and
      // the next one must be above it.
      plan_.ended({make_error(ErrorCode::conflict, "{}", fenced->text), fenced->highest, false});
    } else if (const auto* stalled = std::get_if<session_effect::Stalled>(&event)) {
      if (stalled->stalled) log::warn("node {} answers, but runs no actors", peer);
    }
  }

  void tell_executor(const NodeId& peer, const PeerEvent& event) {
    if (const auto* up = std::get_if<session_effect::Up>(&event)) {
      executor_.tell(CoordinatorFound{coordinator_of(peer, up->incarnation)}, Priority::high);
    } else if (const auto* fenced = std::get_if<session_effect::Fenced>(&event)) {
      plan_.ended({make_error(ErrorCode::conflict, "{}", fenced->text), fenced->highest, false});
    } else if (const auto* rejected = std::get_if<session_effect::Rejected>(&event)) {
      rejected_by_coordinator(*rejected);
    }
  }

  /// Goes on trying if a key is not on a list, for it may be added. A wrong cluster or protocol
  /// does not mend itself: the node gives up.
  void rejected_by_coordinator(const session_effect::Rejected& rejected) {
    // The text says which node refuses: it may be this one, without the coordinator's key.
    log::warn("cannot join the coordinator: {}", rejected.text);
    const bool final = rejected.code == schema::RejectCode::WRONG_CLUSTER ||
                       rejected.code == schema::RejectCode::PROTOCOL_VERSION;
    if (final)
      plan_.ended({make_error(ErrorCode::invalid_argument, "{}", rejected.text), {}, true});
  }

  const Plan plan_;
  MetricCounter& messages_refused_;
  // The order matters: each member uses those above it, and is destroyed before them.
  ActorSystem system_;
  std::optional<IoPool> store_io_;
  std::unique_ptr<LinkService> link_;
  std::shared_ptr<DataPlane> channels_;
  std::unique_ptr<Proxies> proxies_;
  NodeActor::Ref supervisor_;
  CoordinatorRef coordinator_;
  ExecutorRef executor_;
  std::unique_ptr<Control> control_;
  bool stopped_ = false;
};

}  // namespace

Result<std::unique_ptr<NodeBody>> NodeBody::start(Plan plan) {
  auto body = std::make_unique<RunningBody>(std::move(plan));
  TRY(body->begin());
  return std::unique_ptr<NodeBody>(std::move(body));
}

}  // namespace troupe
