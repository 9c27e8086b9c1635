#pragma once

#include "runtime/base/metrics.hpp"
#include "runtime/net/keys.hpp"
#include "runtime/net/zmq_socket.hpp"
#include "runtime/wire/data_frame.hpp"
#include "runtime/wire/frame.hpp"

#include <cstdint>
#include <deque>
#include <string>

namespace troupe {

struct LaneConfig {
  std::string address;
  PublicKey peer_key;
  int messages_max;  ///< held by libzmq; the rest waits in the lane, where bytes are counted
  std::size_t part_bytes_max;
  Duration handshake_timeout;
  Duration reconnect_min;
  Duration reconnect_max;
};

/// Counts what all lanes of one class, "control" or "data", send.
struct LaneMetrics {
  MetricCounter& frames;
  MetricCounter& bytes;
};

/// One outgoing connection to a peer: a DEALER that does not queue for an absent peer, the queue in
/// front of it, and how it changes. A lane drops its queue when it closes, so nothing reaches the
/// wrong incarnation.
class Lane {
 public:
  Lane(const ZmqContext& context, const KeyPair& own, const LaneConfig& config,
       LaneMetrics metrics);

  enum class Change {
    ready,            ///< the handshake succeeded
    closed,           ///< it was ready; frames on their way may be lost
    refused,          ///< nobody listens at the address
    not_admitted,     ///< the peer does not have our key on its list
    handshake_failed  ///< the peer is not who we think, or no Troupe node
  };
  /// Gives the next change of the connection. False if there was none since the last call.
  bool next_change(Change& change);

  void push(Frame frame);
  void push(DataFrame frame);
  /// Hands frames over to libzmq until it takes no more. Returns their bytes.
  std::size_t flush();
  void drop_queue();
  bool waiting() const { return ready_ && !queue_.empty(); }
  bool ready() const { return ready_; }
  std::size_t queued_bytes() const { return queued_bytes_; }

  /// Takes what the peer answered on this very connection: only refusals come this way.
  bool receive(ReceivedPart& part);
  /// When the lane closes, frames that libzmq holds may still leave for that long.
  void linger(Duration duration);

  void* socket() const { return socket_.handle(); }
  void* monitor() const { return monitor_.handle(); }

 private:
  struct Waiting {
    Frame frame;
    DataFrame data;
    std::size_t bytes;
  };
  ZmqSocket::Sent send(const Waiting& waiting);
  ZmqSocket::Sent send_parts(const DataFrame& frame);

  ZmqSocket socket_;
  SocketMonitor monitor_;
  LaneMetrics metrics_;
  std::deque<Waiting> queue_;
  std::size_t queued_bytes_ = 0;
  bool tcp_ = false;
  bool ready_ = false;
};

}  // namespace troupe
