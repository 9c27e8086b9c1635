#pragma once

#include "runtime/base/result.hpp"
#include "runtime/base/time.hpp"
#include "runtime/net/keys.hpp"
#include "runtime/wire/data_frame.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace troupe {

/// A ZeroMQ context; outlives every socket that was made in it.
class ZmqContext {
 public:
  explicit ZmqContext(int io_threads);
  ~ZmqContext();
  ZmqContext(const ZmqContext&) = delete;
  ZmqContext& operator=(const ZmqContext&) = delete;

  void* handle() const { return handle_; }

 private:
  void* handle_;
};

/// One part of a message that arrived: its bytes, and whose connection brought it.
class ReceivedPart;
class SocketMonitor;

/// A ZeroMQ socket. Sockets are not thread-safe: only its one owner may touch it. Nothing here
/// blocks. When it closes, it drops the messages that it holds (linger 0).
class ZmqSocket {
 public:
  ZmqSocket(const ZmqContext& context, int type);
  ~ZmqSocket();
  ZmqSocket(ZmqSocket&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  ZmqSocket& operator=(ZmqSocket&& other) noexcept;

  void* handle() const { return handle_; }
  void set(int option, int value);
  void set(int option, std::int64_t value);
  void set(int option, const void* bytes, std::size_t size);
  void set_duration(int option, Duration duration);
  std::string last_endpoint() const;

  Result<> bind(const std::string& endpoint);
  Result<> connect(const std::string& endpoint);
  /// Reports what happens to its connections from now on. Must be destroyed before this socket.
  SocketMonitor monitor(const ZmqContext& context, int events);

  enum class Sent { yes, full, unreachable };
  /// Copies the bytes: for small messages.
  Sent send(ByteSpan bytes, bool more);
  /// Does not copy them: for large messages. `keep` lives until libzmq is done, on any thread.
  Sent send_in_place(ByteSpan bytes, std::shared_ptr<const void> keep, bool more);
  /// False if nothing waits. `more` tells whether parts of the same message follow.
  bool receive(ReceivedPart& part, bool& more);

 private:
  void* handle_;
};

/// The events (ZMQ_EVENT_*) of one socket.
///
/// If libzmq's I/O thread cannot hand an event over, it waits. If this end closed first, that
/// thread, and all connections on it, would wait for ever. So the destructor first tells the socket
/// to report no more.
class SocketMonitor {
 public:
  SocketMonitor(const ZmqContext& context, const ZmqSocket& watched, int events);
  ~SocketMonitor();
  SocketMonitor(SocketMonitor&& other) noexcept = default;
  SocketMonitor& operator=(SocketMonitor&&) = delete;

  /// The next event, or 0 if none waits.
  int next();
  void* handle() const { return events_.handle(); }

 private:
  void* watched_;
  ZmqSocket events_;
};

class ReceivedPart {
 public:
  ReceivedPart();
  ~ReceivedPart();
  ReceivedPart(const ReceivedPart&) = delete;
  ReceivedPart& operator=(const ReceivedPart&) = delete;

  ByteSpan bytes() const;
  std::string_view text() const;
  /// The User-Id that the ZAP handler gave the connection: its key in hex; empty: none.
  std::string_view user_id() const;
  /// Hands the memory over without a copy; this part is empty afterwards.
  std::shared_ptr<arrow::Buffer> release();

 private:
  friend class ZmqSocket;
  friend class ReceivedBuffer;
  struct alignas(void*) Storage {
    unsigned char bytes[64];
  } storage_;
};

/// The CURVE settings of a socket that connects to the owner of `server`.
void use_curve_client(ZmqSocket& socket, const KeyPair& own, const PublicKey& server);
/// The CURVE settings of a socket that accepts whom the ZAP handler admits.
void use_curve_server(ZmqSocket& socket, const KeyPair& own);

}  // namespace troupe
