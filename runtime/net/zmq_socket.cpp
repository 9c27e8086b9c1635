#include "runtime/net/zmq_socket.hpp"

#include <arrow/buffer.h>
#include <zmq.h>

#include <cerrno>
#include <cstring>

namespace troupe {
namespace {

/// Each connection that we make takes two sockets, its own and its monitor's; libzmq's default of
/// 1023 would end with some 170 peers.
constexpr int sockets_max = 16384;

zmq_msg_t* message_of(unsigned char* storage) { return reinterpret_cast<zmq_msg_t*>(storage); }

ZmqSocket::Sent outcome(int sent) {
  if (sent >= 0) return ZmqSocket::Sent::yes;
  const int error = zmq_errno();
  // Interrupted counts as full: both are tried again.
  if (error == EAGAIN || error == EINTR) return ZmqSocket::Sent::full;
  return ZmqSocket::Sent::unreachable;
}

void forget(void*, void* keep) { delete static_cast<std::shared_ptr<const void>*>(keep); }

int to_millis(Duration duration) {
  return static_cast<int>(std::chrono::duration_cast<std::chrono::milliseconds>(duration).count());
}

}  // namespace

static_assert(sizeof(zmq_msg_t) == 64);

/// Makes the memory of a received part an Arrow buffer: columns point into it, nothing is copied.
class ReceivedBuffer final : public arrow::Buffer {
 public:
  explicit ReceivedBuffer(zmq_msg_t* from) : arrow::Buffer(nullptr, 0) {
    zmq_msg_init(&message_);
    zmq_msg_move(&message_, from);
    data_ = static_cast<const std::uint8_t*>(zmq_msg_data(&message_));
    size_ = capacity_ = static_cast<std::int64_t>(zmq_msg_size(&message_));
  }
  ~ReceivedBuffer() override { zmq_msg_close(&message_); }

 private:
  zmq_msg_t message_;
};

ZmqContext::ZmqContext(int io_threads) : handle_(zmq_ctx_new()) {
  ENSURE(handle_ != nullptr, "ZeroMQ cannot start: {}", zmq_strerror(zmq_errno()));
  zmq_ctx_set(handle_, ZMQ_IO_THREADS, io_threads);
  zmq_ctx_set(handle_, ZMQ_MAX_SOCKETS, sockets_max);
  // The end of the context must not wait for messages that nobody takes.
  zmq_ctx_set(handle_, ZMQ_BLOCKY, 0);
}

ZmqContext::~ZmqContext() { zmq_ctx_term(handle_); }

ZmqSocket::ZmqSocket(const ZmqContext& context, int type)
    : handle_(zmq_socket(context.handle(), type)) {
  ENSURE(handle_ != nullptr, "no more sockets: {}", zmq_strerror(zmq_errno()));
  set(ZMQ_LINGER, 0);
}

ZmqSocket::~ZmqSocket() {
  if (handle_ != nullptr) zmq_close(handle_);
}

ZmqSocket& ZmqSocket::operator=(ZmqSocket&& other) noexcept {
  std::swap(handle_, other.handle_);
  return *this;
}

void ZmqSocket::set(int option, const void* bytes, std::size_t size) {
  ENSURE(zmq_setsockopt(handle_, option, bytes, size) == 0, "socket option {}: {}", option,
         zmq_strerror(zmq_errno()));
}
void ZmqSocket::set(int option, int value) { set(option, &value, sizeof value); }
void ZmqSocket::set(int option, std::int64_t value) { set(option, &value, sizeof value); }
void ZmqSocket::set_duration(int option, Duration duration) { set(option, to_millis(duration)); }

std::string ZmqSocket::last_endpoint() const {
  char text[256] = {};
  std::size_t size = sizeof text;
  zmq_getsockopt(handle_, ZMQ_LAST_ENDPOINT, text, &size);
  return text;
}

Result<> ZmqSocket::bind(const std::string& endpoint) {
  if (zmq_bind(handle_, endpoint.c_str()) == 0) return {};
  const int error = zmq_errno();
  const auto code = error == EADDRINUSE ? ErrorCode::unavailable : ErrorCode::invalid_argument;
  return make_error(code, "cannot listen on {}: {}", endpoint, zmq_strerror(error));
}

Result<> ZmqSocket::connect(const std::string& endpoint) {
  if (zmq_connect(handle_, endpoint.c_str()) == 0) return {};
  return make_error(ErrorCode::invalid_argument, "cannot connect to '{}': {}", endpoint,
                    zmq_strerror(zmq_errno()));
}

SocketMonitor ZmqSocket::monitor(const ZmqContext& context, int events) {
  return SocketMonitor(context, *this, events);
}

ZmqSocket::Sent ZmqSocket::send(ByteSpan bytes, bool more) {
  return outcome(
      zmq_send(handle_, bytes.data(), bytes.size(), ZMQ_DONTWAIT | (more ? ZMQ_SNDMORE : 0)));
}

ZmqSocket::Sent ZmqSocket::send_in_place(ByteSpan bytes, std::shared_ptr<const void> keep,
                                         bool more) {
  zmq_msg_t message;
  auto* kept = new std::shared_ptr<const void>(std::move(keep));
  zmq_msg_init_data(&message, const_cast<std::uint8_t*>(bytes.data()), bytes.size(), forget, kept);
  const Sent sent =
      outcome(zmq_msg_send(&message, handle_, ZMQ_DONTWAIT | (more ? ZMQ_SNDMORE : 0)));
  // A message that libzmq did not take is still ours; closing it also frees `kept`.
  if (sent != Sent::yes) zmq_msg_close(&message);
  return sent;
}

bool ZmqSocket::receive(ReceivedPart& part, bool& more) {
  zmq_msg_t* message = message_of(part.storage_.bytes);
  if (zmq_msg_recv(message, handle_, ZMQ_DONTWAIT) < 0) return false;
  more = zmq_msg_more(message) != 0;
  return true;
}

SocketMonitor::SocketMonitor(const ZmqContext& context, const ZmqSocket& watched, int events)
    : watched_(watched.handle()), events_(context, ZMQ_PAIR) {
  const std::string name = fmt::format("inproc://monitor-{}", watched_);
  ENSURE(zmq_socket_monitor(watched_, name.c_str(), events) == 0, "cannot watch a socket: {}",
         zmq_strerror(zmq_errno()));
  ENSURE(events_.connect(name).ok(), "cannot watch a socket");
}

SocketMonitor::~SocketMonitor() {
  if (events_.handle() != nullptr) zmq_socket_monitor(watched_, nullptr, 0);
}

int SocketMonitor::next() {
  ReceivedPart part;
  bool more = false;
  if (!events_.receive(part, more)) return 0;
  std::uint16_t event = 0;
  const ByteSpan bytes = part.bytes();
  ENSURE(bytes.size() >= sizeof event, "an event of a socket begins with its number");
  std::memcpy(&event, bytes.data(), sizeof event);
  while (more && events_.receive(part, more)) {
  }
  return event;
}

ReceivedPart::ReceivedPart() { zmq_msg_init(message_of(storage_.bytes)); }
ReceivedPart::~ReceivedPart() { zmq_msg_close(message_of(storage_.bytes)); }

ByteSpan ReceivedPart::bytes() const {
  auto* message = message_of(const_cast<unsigned char*>(storage_.bytes));
  return {static_cast<const std::uint8_t*>(zmq_msg_data(message)), zmq_msg_size(message)};
}

std::string_view ReceivedPart::text() const {
  const ByteSpan all = bytes();
  return {reinterpret_cast<const char*>(all.data()), all.size()};
}

std::string_view ReceivedPart::user_id() const {
  const char* text =
      zmq_msg_gets(message_of(const_cast<unsigned char*>(storage_.bytes)), "User-Id");
  return text == nullptr ? std::string_view() : std::string_view(text);
}

std::shared_ptr<arrow::Buffer> ReceivedPart::release() {
  return std::make_shared<ReceivedBuffer>(message_of(storage_.bytes));
}

void use_curve_client(ZmqSocket& socket, const KeyPair& own, const PublicKey& server) {
  socket.set(ZMQ_CURVE_SERVERKEY, server.bytes().data(), server.bytes().size());
  socket.set(ZMQ_CURVE_PUBLICKEY, own.public_key().bytes().data(), 32);
  socket.set(ZMQ_CURVE_SECRETKEY, own.secret().data(), own.secret().size());
}

void use_curve_server(ZmqSocket& socket, const KeyPair& own) {
  socket.set(ZMQ_CURVE_SERVER, 1);
  socket.set(ZMQ_CURVE_SECRETKEY, own.secret().data(), own.secret().size());
  // Without a domain libzmq may not ask the ZAP handler at all.
  socket.set(ZMQ_ZAP_DOMAIN, "troupe", 6);
}

}  // namespace troupe
