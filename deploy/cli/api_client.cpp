#include "deploy/cli/api_client.hpp"

#include "actors/gateway/http_server.hpp"
#include "runtime/base/json.hpp"
#include "runtime/base/json_text.hpp"
#include "runtime/control/answer_json.hpp"
#include "runtime/os/file_system.hpp"

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>

#include <cstdlib>

namespace troupe {
namespace {

namespace beast = boost::beast;
namespace http = beast::http;
using tcp = boost::asio::ip::tcp;

constexpr Duration connect_patience = 5s;
constexpr Duration read_patience = 15s;
constexpr Duration write_patience = 60s;
constexpr std::size_t answer_bytes_max = 256 << 20;

std::string state_directory() {
  if (const char* state = std::getenv("XDG_STATE_HOME")) return std::string(state) + "/troupe";
  const char* home = std::getenv("HOME");
  return std::string(home ? home : ".") + "/.local/state/troupe";
}

std::string gateway_file() { return state_directory() + "/gateway.json"; }

std::string trimmed(std::string text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
  return text;
}

}  // namespace

std::vector<VerbArgument> api_arguments() {
  return {{.names = "--address",
           .help = "the gateway; default: the last node started on this machine",
           .value_name = "HOST:PORT",
           .environment = "TROUPE_ADDRESS"},
          {.names = "--token",
           .help = "its token",
           .value_name = "TOKEN",
           .environment = "TROUPE_TOKEN"},
          {.names = "--token-file",
           .help = "a file that holds the token",
           .value_name = "FILE",
           .environment = "TROUPE_TOKEN_FILE"}};
}

Result<ApiClient> api_client(const VerbArguments& arguments) {
  FileSystem& files = system_files();
  std::string address = arguments.text("address");
  std::string token = arguments.text("token");
  std::string token_file = arguments.text("token-file");
  if (const auto remembered = files.read(gateway_file()); remembered) {
    const Json file = Json::parse(*remembered, nullptr, false);
    if (file.is_object()) {
      if (address.empty()) address = file.value("address", "");
      if (token.empty() && token_file.empty() && address == file.value("address", "")) {
        token_file = file.value("token_file", "");
      }
    }
  }
  if (address.empty()) {
    Error error = make_error(ErrorCode::unavailable, "no node is known on this machine");
    error.hint = "start one with `troupe dev`, or name a gateway with --address HOST:PORT";
    return error;
  }
  if (token.empty() && !token_file.empty()) token = trimmed(TRY(files.read(token_file)));
  const auto colon = address.rfind(':');
  std::string host = address.substr(0, colon);
  const bool brackets = host.starts_with('[') && host.ends_with(']');
  if (brackets) host = host.substr(1, host.size() - 2);
  // Without the brackets nobody knows where an IPv6 address ends.
  if (colon == std::string::npos || brackets != (host.find(':') != std::string::npos)) {
    return wrong_use("--address",
                     make_error(ErrorCode::invalid_argument,
                                "--address wants HOST:PORT or [IPv6]:PORT, not '{}'", address));
  }
  return ApiClient({host, address.substr(colon + 1), token});
}

Result<> remember_gateway(const std::string& address, const std::string& token_file) {
  FileSystem& files = system_files();
  TRY(files.make_directories(state_directory()));
  const Json file = {{"address", address}, {"token_file", token_file}};
  return write_atomically(files, gateway_file(), json_text(file, 2) + "\n");
}

Result<ApiClient::Answer> ApiClient::exchange(const HttpCall& call, Duration patience) const {
  const std::string where = host_and_port(address_.host, address_.port);
  const auto unreachable = [&](const boost::system::error_code& error) {
    Error told = make_error(ErrorCode::unavailable, "no gateway at {}: {}", where, error.message());
    told.hint = "is the node running there? `troupe dev` starts one";
    return told;
  };
  boost::asio::io_context context;
  boost::system::error_code error;
  tcp::resolver resolver(context);
  const auto endpoints = resolver.resolve(address_.host, address_.port, error);
  if (error) return unreachable(error);
  beast::tcp_stream stream(context);
  // Synchronous calls have no time-outs, so each step runs asynchronously on a context of its own.
  const auto step = [&](Duration limit, auto&& begin) {
    stream.expires_after(std::chrono::duration_cast<std::chrono::milliseconds>(limit));
    context.restart();
    begin([&](const boost::system::error_code& outcome, auto&&) { error = outcome; });
    context.run();
  };
  step(connect_patience, [&](auto then) { stream.async_connect(endpoints, then); });
  if (error) return unreachable(error);

  http::request<http::string_body> request(http::string_to_verb(call.method), call.target, 11);
  request.set(http::field::host, where);
  request.set(http::field::content_type, "application/json");
  if (!address_.token.empty()) {
    request.set(http::field::authorization, "Bearer " + address_.token);
  }
  request.body() = call.body;
  request.keep_alive(false);
  request.prepare_payload();
  step(patience, [&](auto then) { http::async_write(stream, request, then); });
  if (error) return unreachable(error);

  beast::flat_buffer buffer;
  http::response_parser<http::string_body> parser;
  parser.body_limit(answer_bytes_max);
  step(patience, [&](auto then) { http::async_read(stream, buffer, parser, then); });
  if (error == beast::error::timeout) {
    Error told = make_error(ErrorCode::unavailable, "the node at {} does not answer", where);
    told.hint = "it accepts connections, but is frozen or far too busy";
    return told;
  }
  if (error) return unreachable(error);
  return Answer{static_cast<int>(parser.get().result_int()), std::move(parser.get().body())};
}

Result<AnyAnswer> ApiClient::ask_any(const AnyRequest& request,
                                     std::optional<Duration> patience) const {
  const HttpCall call = TRY(http_call(request));
  const bool reads = call.method == std::string_view("GET");
  const Answer answer =
      TRY(exchange(call, patience.value_or(reads ? read_patience : write_patience)));
  const Json body = Json::parse(answer.body, nullptr, false);
  if (body.is_discarded()) {
    return make_error(ErrorCode::corrupt, "the answer of {} is no JSON: is it a Troupe gateway?",
                      host_and_port(address_.host, address_.port));
  }
  // Mistakes of a descriptor are an answer, not a failure of the call.
  if (answer.status < 300 || answer.status == mistakes_status) {
    return answer_from_json(request, body);
  }
  Error error = error_from_json(body);
  if (error.code == ErrorCode::not_allowed) {
    error.hint = "give the token with --token-file or TROUPE_TOKEN";
  }
  return error;
}

}  // namespace troupe
