#pragma once

#include "actors/system/actor_system.hpp"
#include "runtime/host/data_plane.hpp"
#include "runtime/host/peer_wire.hpp"
#include "runtime/net/link.hpp"

#include <atomic>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <thread>
#include <vector>

namespace troupe {

/// The `Link` of a node and the thread that owns it. A node's actors send and hear through it.
///
/// Handlers run on the link's thread, one at a time: they hand over (a message to an actor, a wake)
/// and never wait. Set all of them before `start`; nothing is heard earlier.
class LinkService : public PeerWire, private LinkListener {
 public:
  using FrameHandler = std::function<void(const NodeId& peer, const Frame& frame)>;
  using PeerHandler = std::function<void(const NodeId& peer, const PeerEvent& event)>;
  using DataHandler = std::function<void(const NodeId& peer, DataFrame frame)>;
  using TickHandler = std::function<void(Instant now)>;

  /// Opens the sockets on a thread of their own; blocks for some milliseconds.
  static Result<std::unique_ptr<LinkService>> open(LinkConfig config, KeyRing keys,
                                                   Metrics& metrics, const Clock& clock);
  /// Says goodbye and ends the thread, `stop("the node ends")`.
  ~LinkService() override;

  /// Hears frames whose address is `address`, or begins with it and a slash. One handler per
  /// address.
  void on_frames(const std::string& address, FrameHandler handler);
  void on_peers(PeerHandler handler);
  void on_data(DataHandler handler);
  /// Called about once a second.
  void on_tick(TickHandler handler);
  /// Hands to the plane, which sends over this link, the frames and events that concern it.
  void carry(const std::shared_ptr<DataPlane>& plane);
  /// Lets the link send and receive. Starts the canary that proves that the actors run.
  void start(ActorSystem& system);

  // As in `Link`; from any thread. After `stop` they do nothing, or return `unavailable`.
  Result<> send(const NodeId& peer, Frame frame) override;
  Result<> send_data(const NodeId& peer, DataFrame frame) override;
  Result<> connect(const NodeId& peer, const std::string& address,
                   bool final_when_lost = false) override;
  void forget(const NodeId& peer, const std::string& reason);
  void final_when_lost(bool final);
  void admit(KeyRing keys);
  const std::string& endpoint() const { return endpoint_; }

  /// No handler is called after it returns. Idempotent.
  void stop(const std::string& reason);

 private:
  LinkService(Metrics& metrics, const Clock& clock);

  template <class Use>
  auto with_link(Use&& use) -> decltype(use(std::declval<Link&>()));
  void run(LinkConfig config, KeyRing keys);
  void loop();
  void on_frame(const NodeId& peer, Frame frame) override;
  void on_data(const NodeId& peer, DataFrame frame) override;
  void on_peer(const NodeId& peer, const PeerEvent& event) override;

  enum class Phase { opening, open, failed, running, stopping };

  Metrics& metrics_;
  const Clock& clock_;
  MetricCounter& unaddressed_;
  std::mutex mutex_;
  std::condition_variable changed_;
  Phase phase_ = Phase::opening;
  Result<> opened_;
  std::atomic<bool> stopping_{false};
  std::string goodbye_;
  std::string endpoint_;
  std::unique_ptr<Link> link_;  ///< opened and destroyed by the thread
  /// Held shared while another thread uses the link, and exclusively to destroy it.
  std::shared_mutex alive_;
  std::map<std::string, FrameHandler, std::less<>> frame_handlers_;
  std::vector<PeerHandler> peer_handlers_;
  std::vector<TickHandler> tick_handlers_;
  DataHandler data_handler_;
  ActorHandle canary_;
  std::thread thread_;
};

/// Rows that were handed to the link and that libzmq has not taken yet, per peer.
inline constexpr std::size_t data_queue_bytes_max = std::size_t{4} << 30;
/// How long a node that leaves waits for its goodbye to go out.
inline constexpr Duration goodbye_max = 200ms;

}  // namespace troupe
