#include "actors/gateway/http_server.hpp"

#include "runtime/base/log.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>

#include <atomic>
#include <mutex>
#include <optional>
#include <set>
#include <thread>

namespace troupe {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using tcp = asio::ip::tcp;

std::map<std::string, std::string> parse_query(std::string_view text) {
  std::map<std::string, std::string> query;
  while (!text.empty()) {
    const auto end = std::min(text.find('&'), text.size());
    const std::string_view pair = text.substr(0, end);
    const auto equals = std::min(pair.find('='), pair.size());
    if (!pair.empty()) {
      query[url_decode(pair.substr(0, equals))] =
          equals < pair.size() ? url_decode(pair.substr(equals + 1)) : "";
    }
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return query;
}

HttpRequest to_request(http::request<http::string_body>&& message) {
  HttpRequest request;
  request.method = std::string(message.method_string());
  const std::string_view target(message.target().data(), message.target().size());
  const auto mark = std::min(target.find('?'), target.size());
  request.path = std::string(target.substr(0, mark));
  if (mark < target.size()) request.query = parse_query(target.substr(mark + 1));
  request.authorization = std::string(message[http::field::authorization]);
  request.content_type = std::string(message[http::field::content_type]);
  request.host = std::string(message[http::field::host]);
  request.body = std::move(message.body());
  return request;
}

/// One request that waits for its answer. Only the connection owns it, so an answer that comes
/// after the connection has ended finds it gone.
struct PendingAnswer {
  explicit PendingAnswer(asio::io_context& context) : timer(context) {}

  std::optional<HttpResponse> response;
  asio::steady_timer timer;
};

/// The way back into the server for answers from other threads. It outlives the server: an answer
/// that comes after `stop` finds it shut and is dropped.
class Door {
 public:
  explicit Door(asio::io_context& context) : context_(&context) {}

  void shut() {
    const std::lock_guard lock(mutex_);
    context_ = nullptr;
  }

  void pass(std::weak_ptr<PendingAnswer> pending, HttpResponse response) {
    const std::lock_guard lock(mutex_);
    // Posted also from the server's own thread: a handler may answer before the wait has begun, and
    // a timer that is cancelled too early wakes nobody.
    if (context_ == nullptr) return;
    asio::post(*context_, [pending = std::move(pending), response = std::move(response)]() mutable {
      if (const auto waiting = pending.lock()) {
        waiting->response = std::move(response);
        waiting->timer.cancel();
      }
    });
  }

 private:
  std::mutex mutex_;
  asio::io_context* context_;
};

class BeastServer final : public HttpServer {
 public:
  explicit BeastServer(HttpLimits limits) : limits_(limits), acceptor_(context_) {}
  ~BeastServer() override { stop(); }

  Result<> open(const std::string& address, std::uint16_t port) {
    boost::system::error_code error;
    const auto ip = asio::ip::make_address(address, error);
    if (error) return make_error(ErrorCode::invalid_argument, "'{}' is not an IP address", address);
    const tcp::endpoint endpoint(ip, port);
    acceptor_.open(endpoint.protocol(), error);
    if (!error) acceptor_.set_option(asio::socket_base::reuse_address(true), error);
    if (!error) acceptor_.bind(endpoint, error);
    if (!error) acceptor_.listen(asio::socket_base::max_listen_connections, error);
    if (error) {
      const bool taken = error == asio::error::address_in_use;
      Error told = make_error(taken ? ErrorCode::already_exists : ErrorCode::unavailable,
                              "cannot listen on {}: {}",
                              host_and_port(address, std::to_string(port)), error.message());
      if (taken) told.hint = "another node may be there; --port takes another one, 0 any free one";
      return told;
    }
    port_ = acceptor_.local_endpoint().port();
    return {};
  }

  void serve(Handler handler) override {
    ENSURE(!thread_.joinable(), "the HTTP server serves already");
    handler_ = std::move(handler);
    asio::co_spawn(context_, accept(), asio::detached);
    thread_ = std::thread([this] { context_.run(); });
  }

  std::uint16_t port() const override { return port_; }
  std::uint64_t malformed() const override { return malformed_; }

  void stop() override {
    door_->shut();
    context_.stop();
    if (thread_.joinable()) thread_.join();
    // The thread has ended, so nobody else uses the sockets now. The conversations themselves are
    // destroyed with the context.
    boost::system::error_code ignored;
    acceptor_.close(ignored);
    for (beast::tcp_stream* stream : open_) stream->socket().close(ignored);
  }

 private:
  /// Keeps a connection among the open ones until its conversation ends or it is evicted.
  class Listed {
   public:
    Listed(std::set<beast::tcp_stream*>& open, beast::tcp_stream& stream)
        : open_(open), stream_(&stream) {
      open_.insert(stream_);
    }
    ~Listed() { open_.erase(stream_); }
    Listed(const Listed&) = delete;
    Listed& operator=(const Listed&) = delete;

   private:
    std::set<beast::tcp_stream*>& open_;
    beast::tcp_stream* const stream_;
  };

  asio::awaitable<void> accept() {
    for (;;) {
      auto [error, socket] = co_await acceptor_.async_accept(asio::as_tuple(asio::use_awaitable));
      if (error == asio::error::operation_aborted) co_return;
      if (error) {
        // Most likely out of descriptors: wait for connections to end instead of spinning.
        asio::steady_timer pause(context_, std::chrono::milliseconds(100));
        co_await pause.async_wait(asio::use_awaitable);
        continue;
      }
      if (open_.size() >= limits_.connections_max && !evict()) continue;
      asio::co_spawn(context_, converse(beast::tcp_stream(std::move(socket))), asio::detached);
    }
  }

  /// Makes room by closing the connection that has owed a request the longest.
  bool evict() {
    if (owing_.empty()) return false;
    beast::tcp_stream* stream = owing_.begin()->second;
    owing_.erase(owing_.begin());
    open_.erase(stream);
    stream->close();
    return true;
  }

  asio::awaitable<void> converse(beast::tcp_stream stream) {
    const Listed listed(open_, stream);
    beast::flat_buffer buffer;
    bool first = true;
    for (bool keep = true; keep; first = false) {
      http::request_parser<http::string_body> parser;
      parser.body_limit(limits_.body_bytes_max);
      parser.header_limit(static_cast<std::uint32_t>(limits_.header_bytes_max));
      const std::uint64_t turn = ++turns_;
      owing_[turn] = &stream;
      const auto error = co_await read(stream, buffer, parser, first);
      if (owing_.erase(turn) == 0) break;  // it was evicted
      if (error) {
        const bool quiet = error == http::error::end_of_stream || error == beast::error::timeout ||
                           error == asio::error::connection_reset || error == asio::error::eof;
        if (!quiet) {
          ++malformed_;
          stream.expires_after(limits_.header_max);
          co_await write(stream, refusal(error), 11, false);
        }
        break;
      }
      const unsigned version = parser.get().version();
      keep = parser.get().keep_alive();
      HttpResponse response = co_await answer(to_request(parser.release()));
      stream.expires_after(limits_.idle_max);
      keep = co_await write(stream, std::move(response), version, keep) && keep;
    }
    boost::system::error_code ignored;
    stream.socket().shutdown(tcp::socket::shutdown_both, ignored);
  }

  /// Reads one request. Each part has a time limit of its own, so that a client which sends a byte
  /// now and then cannot keep its place.
  asio::awaitable<boost::system::error_code> read(beast::tcp_stream& stream,
                                                  beast::flat_buffer& buffer,
                                                  http::request_parser<http::string_body>& parser,
                                                  bool first) {
    const auto plain = asio::as_tuple(asio::use_awaitable);
    // The wait for the first byte is no part of the header's time: a connection may idle for
    // longer.
    if (buffer.size() == 0) {
      stream.expires_after(first ? limits_.header_max : limits_.idle_max);
      const auto [error, bytes] =
          co_await stream.async_read_some(buffer.prepare(limits_.header_bytes_max), plain);
      if (error) co_return error;
      buffer.commit(bytes);
    }
    stream.expires_after(limits_.header_max);
    const auto [bad_header, header] =
        co_await http::async_read_header(stream, buffer, parser, plain);
    if (bad_header || parser.is_done()) co_return bad_header;
    stream.expires_after(limits_.body_max);
    const auto [bad_body, body] = co_await http::async_read(stream, buffer, parser, plain);
    co_return bad_body;
  }

  asio::awaitable<HttpResponse> answer(HttpRequest request) {
    const auto pending = std::make_shared<PendingAnswer>(context_);
    pending->timer.expires_after(limits_.request_max);
    handler_(std::move(request),
             [door = door_, weak = std::weak_ptr(pending)](HttpResponse response) {
               door->pass(weak, std::move(response));
             });
    co_await pending->timer.async_wait(asio::as_tuple(asio::use_awaitable));
    if (pending->response) co_return std::move(*pending->response);
    co_return HttpResponse{504, "application/json",
                           R"({"error":{"code":"timeout","message":"no answer in time"}})"};
  }

  asio::awaitable<bool> write(beast::tcp_stream& stream, HttpResponse response, unsigned version,
                              bool keep) {
    http::response<http::string_body> message(static_cast<http::status>(response.status), version);
    message.set(http::field::content_type, response.content_type);
    message.set(http::field::cache_control, "no-store");
    message.set("X-Content-Type-Options", "nosniff");
    message.keep_alive(keep);
    message.body() = std::move(response.body);
    message.prepare_payload();
    const auto [error, written] =
        co_await http::async_write(stream, message, asio::as_tuple(asio::use_awaitable));
    co_return !error;
  }

  static HttpResponse refusal(const boost::system::error_code& error) {
    const bool large = error == http::error::body_limit || error == http::error::header_limit;
    return {large ? 413 : 400, "application/json",
            large ? R"({"error":{"code":"invalid_argument","message":"the request is too large"}})"
                  : R"({"error":{"code":"invalid_argument","message":"this is not HTTP"}})"};
  }

  const HttpLimits limits_;
  Handler handler_;
  // Before the context, which owns the conversations: these use it until they are destroyed.
  std::set<beast::tcp_stream*> open_;
  asio::io_context context_{1};
  const std::shared_ptr<Door> door_ = std::make_shared<Door>(context_);
  tcp::acceptor acceptor_;
  std::thread thread_;
  std::uint16_t port_ = 0;
  /// The connections that have not sent their next request completely, the one that has taken the
  /// longest first. A connection with an answer to come is not among them.
  std::map<std::uint64_t, beast::tcp_stream*> owing_;
  std::uint64_t turns_ = 0;
  std::atomic<std::uint64_t> malformed_{0};
};

}  // namespace

std::string host_and_port(const std::string& host, const std::string& port) {
  const bool brackets = host.find(':') != std::string::npos;
  return brackets ? fmt::format("[{}]:{}", host, port) : fmt::format("{}:{}", host, port);
}

std::string url_decode(std::string_view text) {
  const auto hex = [](char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
  };
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size() && hex(text[i + 1]) >= 0 && hex(text[i + 2]) >= 0) {
      plain += static_cast<char>(hex(text[i + 1]) * 16 + hex(text[i + 2]));
      i += 2;
    } else {
      plain += text[i] == '+' ? ' ' : text[i];
    }
  }
  return plain;
}

Result<std::unique_ptr<HttpServer>> HttpServer::listen(const std::string& address,
                                                       std::uint16_t port, HttpLimits limits) {
  auto server = std::make_unique<BeastServer>(limits);
  TRY(server->open(address, port));
  return std::unique_ptr<HttpServer>(std::move(server));
}

}  // namespace troupe
