// The server answers nobody before it is told to, so that whoever starts it holds it when the first
// request comes: a client asks in between, and is answered afterwards. And it lets go of what it
// cannot answer: answers that come after its end, and bytes that are no HTTP.
#include "actors/gateway/http_server.hpp"

#include "tests/support/catch.hpp"

#include <boost/asio/ip/tcp.hpp>

#include <future>
#include <iterator>
#include <memory>
#include <string>

using namespace troupe;

namespace {

/// A client that sends `text` and waits for nothing.
class Client {
 public:
  Client(const HttpServer& server, const std::string& text)
      : stream_("127.0.0.1", std::to_string(server.port())) {
    REQUIRE(stream_);
    stream_.expires_after(60s);
    stream_ << text << std::flush;
  }

  /// All that comes until the server closes.
  std::string answer() { return {std::istreambuf_iterator<char>(stream_), {}}; }

  /// True where the server, and not our patience, ended what we waited for.
  bool closed() const { return stream_.error() == boost::asio::error::eof; }

 private:
  boost::asio::ip::tcp::iostream stream_;
};

const std::string get = "GET /x HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n";

std::unique_ptr<HttpServer> listen() { return HttpServer::listen("127.0.0.1", 0, {}).value(); }

}  // namespace

TEST_CASE("a request that comes before its server serves is answered when it does") {
  // Not atomic: `serve` alone makes it known to the server's thread. A server that begins earlier
  // mostly passes here; ThreadSanitizer reports it.
  std::string owner = "nobody";
  const auto server = listen();
  Client client(*server, get);
  owner = "the gateway";
  server->serve([&](const HttpRequest& request, const HttpServer::Respond& respond) {
    respond({200, "text/plain", request.path + " of " + owner});
  });
  CHECK_THAT(client.answer(), Catch::Matchers::EndsWith("\r\n\r\n/x of the gateway"));
}

TEST_CASE("a server that never served ends") {
  const auto server = listen();
  const Client client(*server, get);
  server->stop();
}

TEST_CASE("an answer that comes after the server's end is dropped") {
  std::promise<HttpServer::Respond> asked;
  auto server = listen();
  server->serve([&](const HttpRequest&, HttpServer::Respond respond) {
    asked.set_value(std::move(respond));
  });
  Client client(*server, get);
  const HttpServer::Respond respond = asked.get_future().get();
  server->stop();
  respond({});
  CHECK(client.answer().empty());
  CHECK(client.closed());
  server.reset();
  respond({});
}

TEST_CASE("what is no HTTP is refused and counted") {
  const auto server = listen();
  server->serve([](const HttpRequest&, const HttpServer::Respond& respond) { respond({}); });
  CHECK_THAT(Client(*server, "\x16\x03\x01 hello\r\n\r\n").answer(),
             Catch::Matchers::StartsWith("HTTP/1.1 400"));
  CHECK(server->malformed() == 1);
  CHECK_THAT(Client(*server, get).answer(), Catch::Matchers::StartsWith("HTTP/1.1 200"));
}
