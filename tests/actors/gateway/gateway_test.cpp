// The gateway is the table of routes over HTTP: whoever has the token reaches every request, and
// nobody else does; statuses and bodies follow from the answer. All of it is asked of every row.
#include "actors/gateway/gateway.hpp"

#include "runtime/base/json.hpp"
#include "runtime/control/answer_json.hpp"
#include "runtime/control/request_text.hpp"
#include "tests/support/catch.hpp"

#include <boost/asio/ip/tcp.hpp>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <iterator>
#include <mutex>
#include <optional>
#include <set>
#include <string>

using namespace troupe;

namespace {

const std::string token = "a-token-of-some-length";

/// Answers every request with what a test says, and keeps the last one.
class FakeControl final : public Control {
 public:
  void take(AnyRequest request, AnyAnswerTo answer) override {
    std::optional<Result<AnyAnswer>> told;
    {
      const std::lock_guard lock(mutex_);
      last_ = request;
      told = error_ ? Result<AnyAnswer>(*error_) : empty_answer(request);
    }
    answer(*std::move(told));
  }
  void refuse_with(std::optional<Error> error) {
    const std::lock_guard lock(mutex_);
    error_ = std::move(error);
  }
  void find_mistakes(bool has_mistakes) {
    const std::lock_guard lock(mutex_);
    mistakes_ = has_mistakes;
  }
  std::optional<AnyRequest> take_last() {
    const std::lock_guard lock(mutex_);
    return std::exchange(last_, std::nullopt);
  }

 private:
  AnyAnswer empty_answer(const AnyRequest& request) const {
    return std::visit(
        [&]<class R>(const R&) {
          typename R::Answer answer{};
          if constexpr (is_from_descriptor<R>) {
            if (mistakes_) answer.mistakes.emplace_back();
            if (!mistakes_) answer.done.emplace();
          }
          return AnyAnswer(std::move(answer));
        },
        request);
  }

  std::mutex mutex_;
  std::optional<AnyRequest> last_;
  std::optional<Error> error_;
  bool mistakes_ = false;
};

struct Answer {
  int status = 0;
  std::string body;
};

/// A gateway over a fake, and a client of it.
class Served {
 public:
  explicit Served(bool metrics_only = false) {
    GatewayConfig config{.port = 0, .token = token};
    config.metrics_only = metrics_only;
    gateway_ = Gateway::start(std::move(config), {control, metrics}).value();
  }
  ~Served() { gateway_->stop(); }

  Answer ask(const std::string& method, const std::string& target, const std::string& body = "",
             const std::string& bearer = token) const {
    boost::asio::ip::tcp::iostream stream("127.0.0.1", std::to_string(gateway_->port()));
    REQUIRE(stream);
    stream.expires_after(60s);
    stream << method << " " << target << " HTTP/1.1\r\nHost: here\r\nConnection: close\r\n"
           << "Content-Length: " << body.size() << "\r\n";
    if (!bearer.empty()) stream << "Authorization: Bearer " << bearer << "\r\n";
    stream << "\r\n" << body << std::flush;
    const std::string all{std::istreambuf_iterator<char>(stream), {}};
    REQUIRE(all.starts_with("HTTP/1.1 "));
    return {std::stoi(all.substr(9, 3)), all.substr(all.find("\r\n\r\n") + 4)};
  }

  FakeControl control;
  Metrics metrics;

 private:
  std::unique_ptr<Gateway> gateway_;
};

/// A call of a row, with as little as it needs.
template <class R>
std::pair<std::string, std::string> call_of(const RouteOf<R>& route) {
  std::string target = route.path;
  for (const std::string& name : arguments_in_path(route)) {
    target.replace(target.find("{" + name + "}"), name.size() + 2, "7");
  }
  return {target, is_from_descriptor<R> ? R"({"descriptor":"kind: Job"})" : ""};
}

std::string code_in(const Answer& answer) {
  return Json::parse(answer.body).at("error").at("code");
}

}  // namespace

TEST_CASE("every request is reached by its route, and its answer by its status") {
  Served served;
  each_route([&]<class R>(const RouteOf<R>& route) {
    CAPTURE(route.method, route.path);
    const auto [target, body] = call_of(route);
    const Answer answer = served.ask(route.method, target, body);
    CHECK(answer.status == route.status);
    const auto asked = served.control.take_last();
    REQUIRE(asked);
    CHECK(std::holds_alternative<R>(*asked));
    const auto read = answer_from_json(*asked, Json::parse(answer.body));
    CHECK(read);
  });
}

TEST_CASE("without the token nothing is reached") {
  Served served;
  int refused = 0;
  each_route([&]<class R>(const RouteOf<R>& route) {
    CAPTURE(route.method, route.path);
    const auto [target, body] = call_of(route);
    for (const std::string& bearer :
         {std::string(), std::string("x"), token + "x", token.substr(1)}) {
      const Answer answer = served.ask(route.method, target, body, bearer);
      CHECK(answer.status == 401);
      CHECK(code_in(answer) == "not_allowed");
      CHECK_FALSE(served.control.take_last());
      ++refused;
    }
  });
  CHECK(served.metrics.text().find(fmt::format("troupe_gateway_refused_total {}", refused)) !=
        std::string::npos);
  CHECK(served.ask("GET", "/metrics", "", "").status == 401);
  CHECK(served.ask("GET", "/api/v1/health", "", "").body == "{\"status\":\"ok\"}\n");
  CHECK(served.ask("GET", "/api/v1/openapi.json", "", "").status == 200);
}

TEST_CASE("a node that serves metrics alone has no cluster's API") {
  Served served(true);
  each_route([&]<class R>(const RouteOf<R>& route) {
    const auto [target, body] = call_of(route);
    const Answer answer = served.ask(route.method, target, body);
    CHECK(answer.status == 404);
    CHECK(answer.body.find("no gateway role") != std::string::npos);
    CHECK_FALSE(served.control.take_last());
  });
  CHECK(served.ask("GET", "/metrics").status == 200);
}

TEST_CASE("an error has a status of its own") {
  Served served;
  const std::map<ErrorCode, int> statuses{
      {ErrorCode::invalid_argument, 400}, {ErrorCode::unsupported, 400},
      {ErrorCode::not_allowed, 401},      {ErrorCode::not_found, 404},
      {ErrorCode::already_exists, 409},   {ErrorCode::conflict, 409},
      {ErrorCode::cancelled, 409},        {ErrorCode::unavailable, 503},
      {ErrorCode::timeout, 504},          {ErrorCode::corrupt, 500},
      {ErrorCode::internal, 500}};
  each_enumerator<ErrorCode>([&](ErrorCode code) {
    CAPTURE(to_string(code));
    served.control.refuse_with(Error{code, "m", "h"});
    const Answer answer = served.ask("GET", "/api/v1/nodes");
    CHECK(answer.status == statuses.at(code));
    CHECK(answer.body ==
          fmt::format("{{\"error\":{{\"code\":\"{}\",\"message\":\"m\",\"hint\":\"h\"}}}}\n",
                      to_string(code)));
  });
}

TEST_CASE("mistakes of a descriptor are an answer of their own") {
  Served served;
  served.control.find_mistakes(true);
  each_route([&]<class R>(const RouteOf<R>& route) {
    if (!is_from_descriptor<R>) return;
    const auto [target, body] = call_of(route);
    const Answer answer = served.ask(route.method, target, body);
    CHECK(answer.status == 422);
    CHECK(Json::parse(answer.body).at("diagnostics").size() == 1);
  });
}

TEST_CASE("what is asked wrongly never reaches the coordinator") {
  Served served;
  CHECK(served.ask("GET", "/api/v1/no-such-thing").status == 404);
  CHECK(served.ask("DELETE", "/api/v1/nodes").status == 405);
  const Answer limit = served.ask("GET", "/api/v1/runs?limit=many");
  CHECK(limit.status == 400);
  CHECK(limit.body ==
        "{\"error\":{\"code\":\"invalid_argument\",\"message\":\"limit wants a whole number, not "
        "'many'\",\"hint\":\"limit: at most so many runs, and never more than 1000\","
        "\"path\":\"query.limit\"}}\n");
  CHECK(served.ask("GET", "/api/v1/runs?limt=5").body.find("did you mean 'limit'?") !=
        std::string::npos);
  CHECK(served.ask("POST", "/api/v1/runs", "{}").status == 400);
  CHECK_FALSE(served.control.take_last());
}

TEST_CASE("a client cannot say who it is, nor wait longer than the server has patience") {
  Served served;
  served.ask("POST", "/api/v1/runs", R"({"descriptor":"d","idempotency_key":"k"})");
  const auto submit = std::get<FromDescriptor<SubmitRun>>(*served.control.take_last());
  CHECK(submit.request.submitted_by == "api");
  CHECK(submit.request.idempotency_key == "k");
  CHECK(submit.file == "descriptor");
  served.ask("POST", "/api/v1/runs/7/cancel");
  CHECK(std::get<CancelRun>(*served.control.take_last()).reason == "a client of the API");
  served.ask("GET", "/api/v1/events?wait=3600");
  CHECK(std::get<ListEvents>(*served.control.take_last()).wait == 30s);
  served.ask("GET", "/api/v1/runs/7/end");
  CHECK(std::get<AwaitEnd>(*served.control.take_last()).wait == 30s);
  served.ask("GET", "/api/v1/runs/7/end?wait=3");
  CHECK(std::get<AwaitEnd>(*served.control.take_last()).wait == 3s);
  served.ask("POST", "/api/v1/jobs/a%2Fb%20c/runs");
  CHECK(std::get<StartJob>(*served.control.take_last()).job == JobName("a/b c"));
}

TEST_CASE("the committed contract is what the routes say") {
  const std::string current = Gateway::openapi().dump(2) + "\n";
  if (std::getenv("TROUPE_REWRITE")) std::ofstream(TROUPE_API_CONTRACT) << current;
  std::ifstream file(TROUPE_API_CONTRACT);
  const std::string committed{std::istreambuf_iterator<char>(file),
                              std::istreambuf_iterator<char>()};
  const bool same = committed == current;
  INFO("TROUPE_REWRITE=1 writes schemas/api.v1.openapi.json anew");
  CHECK(same);
}

namespace {

struct ArgumentNames {
  void operator()(const char* name, const auto&, Presence, const char*) { names.insert(name); }
  std::set<std::string> names;
};

/// The arguments that an operation of the contract takes.
std::set<std::string> arguments_in(const Json& operation) {
  std::set<std::string> names;
  for (const Json& parameter : operation.at("parameters")) names.insert(parameter.at("name"));
  if (!operation.contains("requestBody")) return names;
  const Json& body = operation.at("requestBody").at("content").at("application/json").at("schema");
  for (const auto& [name, schema] : body.at("properties").items()) names.insert(name);
  return names;
}

void each_reference(const Json& json, const std::function<void(const std::string&)>& each) {
  for (const auto& [key, value] : json.items()) {
    if (key == "$ref") each(value);
    if (value.is_structured()) each_reference(value, each);
  }
}

}  // namespace

TEST_CASE("the contract has an operation for every route, and defines what it names") {
  const Json contract = Gateway::openapi();
  std::set<std::string> operations;
  each_route([&]<class R>(const RouteOf<R>& route) {
    CAPTURE(route.path);
    std::string method = route.method;
    std::transform(method.begin(), method.end(), method.begin(), ::tolower);
    const Json operation = contract.at("paths").at(route.path).at(method);
    CHECK(operations.insert(operation.at("operationId")).second);
    CHECK(operation.at("x-request") == R::name);
    CHECK(operation.at("x-scope") == to_string(route.access));
    CHECK(operation.at("responses").contains(std::to_string(route.status)));
    CHECK(operation.at("responses").contains("422") == is_from_descriptor<R>);
    const bool has_body = is_from_descriptor<R> || std::is_same_v<R, StartJob>;
    CHECK(operation.contains("requestBody") == has_body);
    CHECK(operation.contains("security"));
    ArgumentNames arguments;
    const R request{};
    each_value(request, arguments);
    CHECK(arguments_in(operation) == arguments.names);
    std::size_t in_path = 0;
    for (const Json& parameter : operation.at("parameters")) in_path += parameter["in"] == "path";
    CHECK(in_path == arguments_in_path(route).size());
  });
  each_reference(contract, [&](const std::string& reference) {
    CAPTURE(reference);
    CHECK(contract.contains(Json::json_pointer(reference.substr(1))));
  });
}
