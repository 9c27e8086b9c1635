#pragma once

#include "runtime/base/result.hpp"
#include "runtime/base/time.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

namespace troupe {

struct HttpRequest {
  std::string method;
  /// As it was sent, without the query. `%2F` in a segment belongs to that segment, so cut the path
  /// first and decode its pieces then.
  std::string path;
  std::map<std::string, std::string> query;
  std::string authorization;
  std::string content_type;
  std::string host;
  std::string body;
};

/// "%2F" is "/", "+" is a blank.
std::string url_decode(std::string_view text);

/// An address as URLs have it: "127.0.0.1:7400", "[::1]:7400".
std::string host_and_port(const std::string& host, const std::string& port);

struct HttpResponse {
  int status = 200;
  std::string content_type = "application/json";
  std::string body;
};

/// All limits of the server.
struct HttpLimits {
  std::size_t body_bytes_max = 4 << 20;
  std::size_t header_bytes_max = 16 << 10;
  /// With so many open, a new connection takes the place of the one that has owed a request the
  /// longest. If all of them wait for an answer, the new one is closed at once.
  std::size_t connections_max = 256;
  Duration idle_max = 60s;     ///< between two requests of a connection
  Duration header_max = 10s;   ///< from the connection, or the first byte, to the end of the header
  Duration body_max = 30s;     ///< from there to the last byte of the body
  Duration request_max = 60s;  ///< from the first byte to the answer, long polls included
};

/// A small HTTP/1.1 server with a thread of its own and keep-alive connections. Knows nothing of
/// routes or tokens. Answers bytes that are no HTTP with 400 or closes the connection, and counts
/// them. Clients that only connect, or never finish a request, cannot keep others out.
class HttpServer {
 public:
  /// Must be called exactly once, from any thread.
  using Respond = std::function<void(HttpResponse)>;
  /// Called on the server's thread: must not block.
  using Handler = std::function<void(HttpRequest, Respond)>;

  /// Binds at once; `port` 0 takes a free one. `already_exists` if the address is taken. Clients
  /// may connect, but wait until `serve` is called: the caller holds the server before a request
  /// comes.
  static Result<std::unique_ptr<HttpServer>> listen(const std::string& address, std::uint16_t port,
                                                    HttpLimits limits);
  virtual ~HttpServer() = default;

  /// Begins to answer. Must be called at most once.
  virtual void serve(Handler handler) = 0;

  virtual std::uint16_t port() const = 0;
  virtual std::uint64_t malformed() const = 0;
  /// Closes all connections and joins the thread; unanswered requests are dropped.
  virtual void stop() = 0;
};

}  // namespace troupe
