#include "actors/gateway/gateway.hpp"

#include "actors/gateway/api_json.hpp"
#include "actors/gateway/long_poll.hpp"
#include "runtime/base/json.hpp"
#include "runtime/base/json_text.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

namespace troupe {
namespace {

using Respond = HttpServer::Respond;
using PathValues = std::map<std::string, std::string>;

constexpr std::size_t token_bytes_min = 16;
constexpr std::uint32_t runs_shown = 50;
constexpr std::uint32_t runs_shown_max = 1000;
constexpr std::uint32_t events_shown = 500;

int status_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::invalid_argument:
    case ErrorCode::unsupported:
      return 400;
    case ErrorCode::not_allowed:
      return 401;
    case ErrorCode::not_found:
      return 404;
    case ErrorCode::already_exists:
    case ErrorCode::conflict:
      return 409;
    case ErrorCode::unavailable:
      return 503;
    case ErrorCode::timeout:
      return 504;
    case ErrorCode::cancelled:
      return 409;
    case ErrorCode::corrupt:
    case ErrorCode::internal:
      return 500;
  }
  return 500;
}

HttpResponse ok(const Json& body, int status = 200) {
  return {status, "application/json", json_text(body) + "\n"};
}

HttpResponse refused(const Error& error, int status = 0) {
  return {status ? status : status_of(error.code), "application/json",
          json_text({{"error", to_json(error)}}) + "\n"};
}

/// Compares without telling by its time how much of a guess was right.
bool same_secret(std::string_view a, std::string_view b) {
  unsigned char difference = a.size() == b.size() ? 0 : 1;
  for (std::size_t i = 0; i < a.size() && i < b.size(); ++i) {
    difference |= static_cast<unsigned char>(a[i] ^ b[i]);
  }
  return difference == 0;
}

template <class View>
Control::Answer<View> answer_with(Respond respond, int status = 200) {
  return [respond = std::move(respond), status](Result<View> result) {
    respond(result ? ok(to_json(*result), status) : refused(result.error()));
  };
}

template <class View>
Control::Answer<std::vector<View>> answer_list(Respond respond, const char* key) {
  return [respond = std::move(respond), key](Result<std::vector<View>> result) {
    if (!result) return respond(refused(result.error()));
    Json items = Json::array();
    for (const auto& item : *result) items.push_back(to_json(item));
    respond(ok({{key, items}}));
  };
}

Result<std::uint64_t> whole_number(const std::string& text, const char* what) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) {
    return fail(ErrorCode::invalid_argument, "{} wants a whole number, not '{}'", what, text);
  }
  return number;
}

/// A value of the query as it was sent, or this number.
std::string query_or(const HttpRequest& request, const char* key, std::uint64_t otherwise) {
  const auto found = request.query.find(key);
  return found == request.query.end() ? std::to_string(otherwise) : found->second;
}

/// What a POST with a descriptor carries.
struct Submission {
  DescriptorRequest descriptor;
  SubmitOptions options;
};

Result<Submission> parse_submission(const HttpRequest& request) {
  Submission submission;
  submission.options.submitted_by = "api";
  const Json body = Json::parse(request.body, nullptr, false);
  if (!body.is_object() || !body.contains("descriptor") || !body["descriptor"].is_string()) {
    Error error = fail(ErrorCode::invalid_argument, "the body has no descriptor");
    error.hint = R"(send {"descriptor": "<the YAML text>", "params": {"name": "value"}})";
    return error;
  }
  submission.descriptor.text = body["descriptor"];
  const auto text_of = [&](const char* key, const char* otherwise) {
    return body.contains(key) && body[key].is_string() ? body[key].get<std::string>() : otherwise;
  };
  submission.descriptor.file = text_of("file", "descriptor");
  submission.options.idempotency_key = text_of("idempotency_key", "");
  submission.options.descriptor_text = submission.descriptor.text;
  if (body.contains("params") && body["params"].is_object()) {
    for (const auto& [name, value] : body["params"].items()) {
      submission.descriptor.params[name] =
          value.is_string() ? value.get<std::string>() : json_text(value);
    }
  }
  return submission;
}

class HttpGateway;

/// One row of the API. The table below is the only place that knows the routes: dispatch, the token
/// check and the OpenAPI contract read it.
struct Route {
  const char* method;
  const char* pattern;  ///< "{name}" takes one path segment
  const char* scope;    ///< "open", "read" or "write"
  const char* summary;
  const char* answer;  ///< the schema of a 2xx body
  bool of_cluster;     ///< needs the coordinator: only on a node with the gateway role
  void (HttpGateway::*handle)(const HttpRequest&, const PathValues&, Respond);
};

std::optional<PathValues> match(std::string_view pattern, std::string_view path) {
  PathValues values;
  while (!pattern.empty() || !path.empty()) {
    const auto next = [](std::string_view& text) {
      text.remove_prefix(text.empty() ? 0 : 1);
      const auto end = std::min(text.find('/'), text.size());
      const std::string_view segment = text.substr(0, end);
      text.remove_prefix(end);
      return segment;
    };
    const std::string_view want = next(pattern), have = next(path);
    if (want.starts_with('{')) {
      if (have.empty()) return std::nullopt;
      values[std::string(want.substr(1, want.size() - 2))] = url_decode(have);
    } else if (want != have) {
      return std::nullopt;
    }
  }
  return values;
}

class HttpGateway final : public Gateway {
 public:
  HttpGateway(GatewayConfig config, GatewayServices services)
      : config_(std::move(config)),
        services_(std::move(services)),
        refused_(services_.metrics.counter("troupe_gateway_refused_total",
                                           "API requests without a valid token.")),
        served_(services_.metrics.counter("troupe_gateway_requests_total", "API requests.")),
        malformed_(services_.metrics.gauge("troupe_gateway_malformed",
                                           "Requests that were not HTTP, since start.")) {}

  Result<> open() {
    server_ = TRY(HttpServer::listen(config_.address, config_.port, config_.limits));
    server_->serve(
        [this](HttpRequest request, Respond respond) { dispatch(request, std::move(respond)); });
    return {};
  }

  std::uint16_t port() const override { return server_->port(); }
  void stop() override {
    if (server_) server_->stop();
  }

  void health(const HttpRequest&, const PathValues&, Respond respond) {
    respond(ok({{"status", "ok"}}));
  }

  void contract(const HttpRequest&, const PathValues&, Respond respond) { respond(ok(openapi())); }

  void metrics(const HttpRequest&, const PathValues&, Respond respond) {
    malformed_.set(static_cast<double>(server_->malformed()));
    respond({200, "text/plain; version=0.0.4", services_.metrics.text()});
  }

  void list_nodes(const HttpRequest&, const PathValues&, Respond respond) {
    services_.control.nodes(answer_list<NodeView>(std::move(respond), "nodes"));
  }

  void list_jobs(const HttpRequest&, const PathValues&, Respond respond) {
    services_.control.jobs(answer_list<JobView>(std::move(respond), "jobs"));
  }

  void apply_job(const HttpRequest& request, const PathValues&, Respond respond) {
    with_graph(request, std::move(respond),
               [this](JobGraph graph, SubmitOptions options, Respond answer) {
                 services_.control.apply(std::move(graph), std::move(options),
                                         answer_with<JobView>(std::move(answer)));
               });
  }

  void validate_job(const HttpRequest& request, const PathValues&, Respond respond) {
    with_graph(request, std::move(respond), [](JobGraph graph, SubmitOptions, Respond answer) {
      answer(ok({{"valid", true}, {"plan_hash", plan_hash(graph)}}));
    });
  }

  void start_job(const HttpRequest& request, const PathValues& path, Respond respond) {
    SubmitOptions options;
    options.submitted_by = "api";
    const Json body = Json::parse(request.body, nullptr, false);
    if (body.is_object() && body.contains("idempotency_key") &&
        body["idempotency_key"].is_string()) {
      options.idempotency_key = body["idempotency_key"];
    }
    services_.control.start(JobName(path.at("job")), std::move(options),
                            answer_run(std::move(respond)));
  }

  void submit_run(const HttpRequest& request, const PathValues&, Respond respond) {
    with_graph(request, std::move(respond),
               [this](JobGraph graph, SubmitOptions options, Respond answer) {
                 services_.control.submit(std::move(graph), std::move(options),
                                          answer_run(std::move(answer)));
               });
  }

  void list_runs(const HttpRequest& request, const PathValues&, Respond respond) {
    std::optional<JobName> job;
    if (const auto found = request.query.find("job"); found != request.query.end()) {
      job = JobName(found->second);
    }
    const auto limit = whole_number(query_or(request, "limit", runs_shown), "limit");
    const auto before = whole_number(query_or(request, "before", 0), "before");
    if (!limit) return respond(refused(limit.error()));
    if (!before) return respond(refused(before.error()));
    const auto shown =
        static_cast<std::uint32_t>(std::clamp<std::uint64_t>(*limit, 1, runs_shown_max));
    // One more than is shown tells whether there are more.
    services_.control.runs(
        job, *before == 0 ? std::nullopt : std::optional(RunId(*before)), shown + 1,
        [respond = std::move(respond), shown](Result<std::vector<RunView>> runs) {
          if (!runs) return respond(refused(runs.error()));
          const bool more = runs->size() > shown;
          if (more) runs->resize(shown);
          Json answer = {{"runs", Json::array()}};
          for (const RunView& run : *runs) answer["runs"].push_back(to_json(run));
          if (more) answer["next"] = runs->back().id.value();
          respond(ok(answer));
        });
  }

  void show_run(const HttpRequest&, const PathValues& path, Respond respond) {
    with_run(path, std::move(respond), [this](RunId run, Respond answer) {
      services_.control.show(run, answer_with<RunView>(std::move(answer)));
    });
  }

  void cancel_run(const HttpRequest&, const PathValues& path, Respond respond) {
    with_run(path, std::move(respond), [this](RunId run, Respond answer) {
      services_.control.cancel(run, "a client of the API", answer_with<RunView>(std::move(answer)));
    });
  }

  void run_output(const HttpRequest&, const PathValues& path, Respond respond) {
    with_run(path, std::move(respond), [this](RunId run, Respond answer) {
      services_.control.output(run, answer_list<OutputView>(std::move(answer), "outputs"));
    });
  }

  void run_events(const HttpRequest& request, const PathValues& path, Respond respond) {
    with_run(path, std::move(respond), [&, this](RunId run, Respond answer) {
      events_after(request, run, std::move(answer));
    });
  }

  void all_events(const HttpRequest& request, const PathValues&, Respond respond) {
    events_after(request, std::nullopt, std::move(respond));
  }

 private:
  void dispatch(const HttpRequest& request, Respond respond);

  bool admitted(const HttpRequest& request) const {
    constexpr std::string_view scheme = "Bearer ";
    const std::string_view given = request.authorization;
    return given.starts_with(scheme) && same_secret(given.substr(scheme.size()), config_.token);
  }

  static Control::Answer<RunId> answer_run(Respond respond) {
    return [respond = std::move(respond)](Result<RunId> run) {
      respond(run ? ok({{"run", run->value()}}, 201) : refused(run.error()));
    };
  }

  template <class Then>
  void with_run(const PathValues& path, Respond respond, Then then) {
    const auto run = whole_number(path.at("run"), "a run's id");
    if (!run) return respond(refused(run.error()));
    then(RunId(*run), std::move(respond));
  }

  /// Adds what is worth telling of a descriptor to whatever its answer is.
  static Respond noting(std::vector<std::string> notes, Respond respond) {
    return [notes = std::move(notes), respond = std::move(respond)](HttpResponse response) {
      Json body = Json::parse(response.body, nullptr, false);
      if (body.is_object()) {
        body["notes"] = notes;
        response.body = json_text(body) + "\n";
      }
      respond(std::move(response));
    };
  }

  /// Compiles the descriptor of a request away from the server's thread, then goes on with its
  /// graph; mistakes are answered with 422 and all diagnostics.
  template <class Then>
  void with_graph(const HttpRequest& request, Respond respond, Then then) {
    auto submission = parse_submission(request);
    if (!submission) return respond(refused(submission.error()));
    services_.compile(std::move(submission->descriptor), [options = std::move(submission->options),
                                                          respond, then = std::move(then)](
                                                             Result<CompiledDescriptor> compiled) {
      if (!compiled) return respond(refused(compiled.error()));
      const Respond answer = compiled->notes.empty() ? respond : noting(compiled->notes, respond);
      if (!compiled->graph) {
        return answer(ok(
            {{"error", {{"code", "invalid_argument"}, {"message", "the descriptor has mistakes"}}},
             {"diagnostics", *compiled->diagnostics}},
            422));
      }
      then(std::move(*compiled->graph), options, answer);
    });
  }

  void events_after(const HttpRequest& request, std::optional<RunId> run, Respond respond) {
    const auto after = whole_number(query_or(request, "after", 0), "after");
    const auto wait = whole_number(query_or(request, "wait", 0), "wait");
    if (!after) return respond(refused(after.error()));
    if (!wait) return respond(refused(wait.error()));
    const auto patience = std::min<Duration>(std::chrono::seconds(*wait), long_poll_max);
    const auto ask = [this, run, after = *after](Control::Answer<std::vector<EventView>> answer) {
      services_.control.events(run, after, events_shown, std::move(answer));
    };
    long_poll_.wait<std::vector<EventView>>(
        ask, patience, [](const std::vector<EventView>& events) { return !events.empty(); },
        answer_list<EventView>(std::move(respond), "events"));
  }

  const GatewayConfig config_;
  const GatewayServices services_;
  MetricCounter& refused_;
  MetricCounter& served_;
  MetricGauge& malformed_;
  LongPoll long_poll_;
  std::unique_ptr<HttpServer> server_;
};

constexpr std::array routes{
    Route{"GET", "/api/v1/health", "open", "Is the node there?", "Health", false,
          &HttpGateway::health},
    Route{"GET", "/api/v1/openapi.json", "open", "This contract.", "object", false,
          &HttpGateway::contract},
    Route{"GET", "/metrics", "read", "All metrics, in Prometheus' text format.", "text", false,
          &HttpGateway::metrics},
    Route{"GET", "/api/v1/nodes", "read", "The nodes of the cluster.", "Nodes", true,
          &HttpGateway::list_nodes},
    Route{"GET", "/api/v1/jobs", "read", "The stored jobs.", "Jobs", true, &HttpGateway::list_jobs},
    Route{"POST", "/api/v1/jobs", "write", "Stores a job version from a descriptor.", "Job", true,
          &HttpGateway::apply_job},
    Route{"POST", "/api/v1/validate", "read", "Checks a descriptor; changes nothing.", "Validity",
          true, &HttpGateway::validate_job},
    Route{"POST", "/api/v1/jobs/{job}/runs", "write", "Starts a run of a stored job.", "Started",
          true, &HttpGateway::start_job},
    Route{"GET", "/api/v1/runs", "read",
          "Runs, the newest first: at most `limit`, older than `before`; where there are more, "
          "`next` is "
          "the `before` of the next page.",
          "Runs", true, &HttpGateway::list_runs},
    Route{"POST", "/api/v1/runs", "write", "Runs a descriptor once.", "Started", true,
          &HttpGateway::submit_run},
    Route{"GET", "/api/v1/runs/{run}", "read", "One run, with its graph.", "Run", true,
          &HttpGateway::show_run},
    Route{"POST", "/api/v1/runs/{run}/cancel", "write", "Cancels a run; idempotent.", "Run", true,
          &HttpGateway::cancel_run},
    Route{"GET", "/api/v1/runs/{run}/output", "read", "What its print sinks committed.", "Outputs",
          true, &HttpGateway::run_output},
    Route{"GET", "/api/v1/runs/{run}/events", "read",
          "What happened to a run after `after`; waits up to `wait` seconds for more.", "Events",
          true, &HttpGateway::run_events},
    Route{"GET", "/api/v1/events", "read", "What happened in the cluster, likewise.", "Events",
          true, &HttpGateway::all_events},
};

void HttpGateway::dispatch(const HttpRequest& request, Respond respond) {
  served_.add();
  bool known_path = false;
  for (const Route& route : routes) {
    const auto values = match(route.pattern, request.path);
    if (!values) continue;
    known_path = true;
    if (request.method != route.method) continue;
    if (route.of_cluster && config_.metrics_only) {
      Error error = fail(ErrorCode::not_found, "this node has no gateway role");
      error.hint = "it serves /metrics; ask the node that coordinates";
      return respond(refused(error));
    }
    if (std::string_view(route.scope) != "open" && !admitted(request)) {
      refused_.add();
      Error error = fail(ErrorCode::not_allowed, "no valid token");
      error.hint = "send `Authorization: Bearer <token>`; the node keeps it in gateway.token";
      return respond(refused(error));
    }
    return (this->*route.handle)(request, *values, std::move(respond));
  }
  if (known_path) {
    return respond(
        refused(fail(ErrorCode::invalid_argument, "{} is not possible here", request.method), 405));
  }
  respond(refused(fail(ErrorCode::not_found, "no route {} {}", request.method, request.path)));
}

bool is_loopback(const std::string& address) {
  return address.starts_with("127.") || address == "::1";
}

}  // namespace

Result<std::unique_ptr<Gateway>> Gateway::start(GatewayConfig config, GatewayServices services) {
  if (!is_loopback(config.address)) {
    Error error = fail(ErrorCode::invalid_argument,
                       "the gateway has no TLS and will not listen on '{}'", config.address);
    error.hint = "listen on 127.0.0.1 and put a TLS proxy or an SSH tunnel in front";
    return error;
  }
  if (config.token.size() < token_bytes_min) {
    return fail(ErrorCode::invalid_argument, "the gateway's token has less than {} characters",
                token_bytes_min);
  }
  auto gateway = std::make_unique<HttpGateway>(std::move(config), std::move(services));
  TRY(gateway->open());
  return std::unique_ptr<Gateway>(std::move(gateway));
}

Json Gateway::openapi() {
  Json paths = Json::object();
  for (const Route& route : routes) {
    std::string method = route.method;
    std::transform(method.begin(), method.end(), method.begin(), ::tolower);
    Json parameters = Json::array();
    for (std::string_view rest = route.pattern; rest.find('{') != std::string_view::npos;) {
      const auto from = rest.find('{') + 1, to = rest.find('}');
      parameters.push_back({{"name", std::string(rest.substr(from, to - from))},
                            {"in", "path"},
                            {"required", true},
                            {"schema", {{"type", "string"}}}});
      rest.remove_prefix(to + 1);
    }
    Json operation = {{"summary", route.summary},
                      {"x-scope", route.scope},
                      {"parameters", parameters},
                      {"responses", {{"2XX", {{"description", route.answer}}}}}};
    if (std::string_view(route.scope) != "open") {
      operation["security"] = Json::array({{{"token", Json::array()}}});
    }
    paths[route.pattern][method] = operation;
  }
  return {
      {"openapi", "3.0.3"},
      {"info", {{"title", "Troupe"}, {"version", "v1"}}},
      {"components", {{"securitySchemes", {{"token", {{"type", "http"}, {"scheme", "bearer"}}}}}}},
      {"paths", paths}};
}

}  // namespace troupe
