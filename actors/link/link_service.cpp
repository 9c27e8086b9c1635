#include "actors/link/link_service.hpp"

#include "runtime/base/log.hpp"

#include <utility>

namespace troupe {
namespace {

/// The longest sleep of the link's thread. It wakes earlier if something happens.
constexpr Duration wait_max = 1s;

/// Runs on the scheduler like any actor. As long as it gets its turn, the link may tell peers that
/// the node is well.
class CanaryActor : public ActorOf<CanaryActor> {
 public:
  explicit CanaryActor(std::function<void(Instant)> report_alive)
      : report_alive_(std::move(report_alive)) {}
  void start() override {
    report_alive_(clock().now());
    every(1s, [this] { report_alive_(clock().now()); });
  }

 private:
  const std::function<void(Instant)> report_alive_;
};

}  // namespace

LinkService::LinkService(Metrics& metrics, const Clock& clock)
    : metrics_(metrics),
      clock_(clock),
      unaddressed_(metrics.counter("troupe_frames_unaddressed_total",
                                   "Messages for an actor that this node has not.")) {}

Result<std::unique_ptr<LinkService>> LinkService::open(LinkConfig config, KeyRing keys,
                                                       Metrics& metrics, const Clock& clock) {
  // The credit of each channel bounds the rows that wait to be sent. A tight bound over all
  // channels would break some that keep to their own.
  config.data_queue_bytes_max = data_queue_bytes_max;
  std::unique_ptr<LinkService> service(new LinkService(metrics, clock));
  service->thread_ = std::thread(
      [self = service.get(), config = std::move(config), keys = std::move(keys)]() mutable {
        self->run(std::move(config), std::move(keys));
      });
  std::unique_lock lock(service->mutex_);
  service->changed_.wait(lock, [&] { return service->phase_ != Phase::opening; });
  if (service->phase_ == Phase::failed) return service->opened_.error();
  lock.unlock();
  return service;
}

LinkService::~LinkService() { stop("the node ends"); }

/// The link is opened, used and destroyed on this thread: sockets are not thread-safe.
void LinkService::run(LinkConfig config, KeyRing keys) {
  auto link = Link::open(std::move(config), std::move(keys), *this, metrics_, clock_.now());
  {
    std::unique_lock lock(mutex_);
    if (!link) {
      opened_ = link.error();
      phase_ = Phase::failed;
      changed_.notify_all();
      return;
    }
    link_ = *std::move(link);
    endpoint_ = link_->endpoint();
    phase_ = Phase::open;
    changed_.notify_all();
    // Nothing is read before `start`: the handlers are not all set.
    changed_.wait(lock, [this] { return phase_ != Phase::open; });
  }
  loop();
  link_->leave(goodbye_, goodbye_max);
  // Waits for calls of other threads that are using the link right now.
  std::unique_lock lock(alive_);
  link_.reset();
}

void LinkService::loop() {
  Instant next_tick = clock_.now();
  while (!stopping_.load()) {
    link_->wait(wait_max);
    const Instant now = clock_.now();
    link_->poll(now);
    if (now < next_tick) continue;
    next_tick = now + wait_max;
    for (const auto& handler : tick_handlers_) handler(now);
  }
}

void LinkService::on_frames(const std::string& address, FrameHandler handler) {
  frame_handlers_[address] = std::move(handler);
}
void LinkService::on_peers(PeerHandler handler) { peer_handlers_.push_back(std::move(handler)); }
void LinkService::on_data(DataHandler handler) { data_handler_ = std::move(handler); }
void LinkService::on_tick(TickHandler handler) { tick_handlers_.push_back(std::move(handler)); }

void LinkService::carry(const std::shared_ptr<DataPlane>& plane) {
  on_frames(std::string(data_address),
            [plane](const NodeId& peer, const Frame& frame) { plane->hear(peer, frame); });
  on_data(
      [plane](const NodeId& peer, DataFrame frame) { plane->hear_data(peer, std::move(frame)); });
  on_peers([plane](const NodeId& peer, const PeerEvent& event) { plane->hear_peer(peer, event); });
  on_tick([plane](Instant now) { plane->tick(now); });
}

void LinkService::start(ActorSystem& system) {
  {
    std::lock_guard lock(mutex_);
    ENSURE(phase_ == Phase::open, "a link is started once, after it was opened");
    phase_ = Phase::running;
  }
  changed_.notify_all();
  canary_ =
      system
          .spawn<CanaryActor>(
              "canary", [this](Instant now) { with_link([&](Link& link) { link.canary(now); }); })
          .handle();
}

void LinkService::stop(const std::string& reason) {
  if (!thread_.joinable()) return;
  canary_.stop();
  // The canary uses this service, maybe right now.
  while (canary_ && !canary_.ended()) std::this_thread::sleep_for(1ms);
  {
    std::lock_guard lock(mutex_);
    goodbye_ = reason;
    stopping_.store(true);
    phase_ = Phase::stopping;
  }
  with_link([](Link& link) { link.wake(); });
  changed_.notify_all();
  thread_.join();
}

template <class Use>
auto LinkService::with_link(Use&& use) -> decltype(use(std::declval<Link&>())) {
  std::shared_lock lock(alive_);
  using Answer = decltype(use(std::declval<Link&>()));
  if constexpr (std::is_void_v<Answer>) {
    if (link_) use(*link_);
  } else {
    if (!link_) return make_error(ErrorCode::unavailable, "this node has left its cluster");
    return use(*link_);
  }
}

Result<> LinkService::send(const NodeId& peer, Frame frame) {
  return with_link([&](Link& link) { return link.send(peer, std::move(frame)); });
}
Result<> LinkService::send_data(const NodeId& peer, DataFrame frame) {
  return with_link([&](Link& link) { return link.send_data(peer, std::move(frame)); });
}
Result<> LinkService::connect(const NodeId& peer, const std::string& address,
                              bool final_when_lost) {
  return with_link([&](Link& link) { return link.connect(peer, address, final_when_lost); });
}
void LinkService::forget(const NodeId& peer, const std::string& reason) {
  with_link([&](Link& link) { link.forget(peer, reason); });
}
void LinkService::final_when_lost(bool final) {
  with_link([&](Link& link) { link.final_when_lost(final); });
}
void LinkService::admit(KeyRing keys) {
  with_link([&](Link& link) { link.admit(std::move(keys)); });
}

void LinkService::on_frame(const NodeId& peer, Frame frame) {
  const auto to = frame.to();
  const auto handler = frame_handlers_.find(to.substr(0, to.find('/')));
  if (handler != frame_handlers_.end()) return handler->second(peer, frame);
  unaddressed_.add();
  log::warn("node {} sent a message to '{}', which is not here", peer, to);
}

void LinkService::on_data(const NodeId& peer, DataFrame frame) {
  if (data_handler_) data_handler_(peer, std::move(frame));
}

void LinkService::on_peer(const NodeId& peer, const PeerEvent& event) {
  for (const auto& handler : peer_handlers_) handler(peer, event);
}

}  // namespace troupe
