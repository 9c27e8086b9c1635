#pragma once

#include "runtime/net/keys.hpp"
#include "runtime/net/zmq_socket.hpp"

#include <string>
#include <vector>

namespace troupe {

/// Decides who may connect: libzmq asks it about each new connection (RFC 27, ZAP), and it answers
/// from the allow-list. Without it CURVE encrypts but admits any key. So it is bound before any
/// socket of its context listens, and `strangers_are_refused` proves that libzmq asks it.
class ZapHandler {
 public:
  static Result<ZapHandler> open(const ZmqContext& context);

  /// Answers all questions that wait. A connection that is admitted carries its key, in hex, as the
  /// User-Id of each message. Returns the keys that were refused, in hex.
  std::vector<std::string> serve(const KeyRing& ring);
  void* handle() const { return socket_.handle(); }

 private:
  explicit ZapHandler(ZmqSocket socket) : socket_(std::move(socket)) {}
  ZmqSocket socket_;
};

/// Connects with a key that nobody knows and must be refused; an error means that the node would be
/// open to anybody. Blocks for some milliseconds.
Result<> strangers_are_refused(const ZmqContext& context, ZapHandler& zap, const KeyRing& ring);

}  // namespace troupe
