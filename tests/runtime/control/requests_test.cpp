// The table of routes is the API: every request has a route, arguments travel from a client to the
// handler as they were given, and an argument that is wrong is refused with what is wrong, where it
// stands and what to do. All of it is asked of every row, so that a new row is asked, too.
#include "runtime/base/json.hpp"
#include "runtime/control/request_text.hpp"
#include "tests/runtime/control/filled.hpp"
#include "tests/support/catch.hpp"

#include <set>

using namespace troupe;

namespace {

using Catch::Matchers::Contains;
using Catch::Matchers::StartsWith;

/// One argument of a request, as its list of fields has it.
struct Argument {
  std::string name;
  Presence presence;
  std::string help;
  bool text;  ///< any text is a value
};

struct ArgumentLister {
  template <class T>
  void operator()(const char* name, const T&, Presence presence, const char* help) {
    constexpr bool text = std::is_same_v<T, std::string> || std::is_same_v<T, JobName>;
    arguments.push_back({name, presence, help, text});
  }
  std::vector<Argument> arguments;
};

template <class R>
std::vector<Argument> arguments_of() {
  ArgumentLister lister;
  const R request{};
  each_value(request, lister);
  return lister.arguments;
}

const char* place_of(const Route& route, const std::string& name) {
  if (in_path(route, name)) return "path";
  return std::string(route.method) == "GET" ? "query" : "body";
}

/// "%2F" is "/".
std::string decoded(std::string_view text) {
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool escape = text[i] == '%';
    plain += escape ? static_cast<char>(std::stoi(std::string(text.substr(i + 1, 2)), nullptr, 16))
                    : text[i];
    if (escape) i += 2;
  }
  return plain;
}

/// What a server makes of a call: the route that it meets, and its arguments.
std::pair<const Route*, RequestText> received(const HttpCall& call) {
  const auto question = call.target.find('?');
  RequestText text{.body = call.body};
  std::string rest = question == std::string::npos ? "" : call.target.substr(question + 1);
  while (!rest.empty()) {
    const auto end = std::min(rest.find('&'), rest.size()), equals = rest.find('=');
    text.query[rest.substr(0, equals)] = decoded(rest.substr(equals + 1, end - equals - 1));
    rest.erase(0, end + 1);
  }
  const Route* met = nullptr;
  each_route([&](const Route& route) {
    auto path = match(route, call.target.substr(0, question));
    if (met != nullptr || !path || route.method != std::string(call.method)) return;
    met = &route;
    for (auto& [name, value] : *path) value = decoded(value);
    text.path = *std::move(path);
  });
  return {met, text};
}

/// Arguments of a row that are right, whatever else is tried.
template <class R>
RequestText right_text(const RouteOf<R>& route) {
  R request = filled<R>();
  auto call = http_call(request);
  REQUIRE(call);
  RequestText text = received(*call).second;
  text.path.clear();
  for (const std::string& name : arguments_in_path(route)) {
    text.path[name] = "7";
    text.query.erase(name);
  }
  return text;
}

void set(RequestText& text, const std::string& place, const std::string& name, const Json& value) {
  if (place == "body") {
    Json body = text.body.empty() ? Json::object() : Json::parse(text.body);
    body[name] = value;
    text.body = body.dump();
  } else {
    (place == "path" ? text.path : text.query)[name] =
        value.is_string() ? value.get<std::string>() : value.dump();
  }
}

/// It says what is wrong, where, and what to do.
void check_refusal(const Result<AnyRequest>& read, const std::string& where,
                   const std::string& what, const std::string& what_to_do) {
  CAPTURE(where);
  REQUIRE_FALSE(read);
  CHECK(read.error().code == ErrorCode::invalid_argument);
  CHECK(read.error().path == where);
  CHECK_THAT(read.error().message, Contains(what));
  CHECK_THAT(read.error().hint, Contains(what_to_do));
}

}  // namespace

TEST_CASE("every request has a route, or its descriptor has") {
  std::set<std::string> routed;
  std::set<std::string> named;
  each_route([&]<class R>(const RouteOf<R>& route) {
    routed.insert(R::name);
    CAPTURE(route.path);
    CHECK(named.insert(fmt::format("{} {}", route.method, route.path)).second);
    CHECK(named.insert(route.operation).second);
    CHECK_THAT(route.path, StartsWith("/api/v1/"));
    CHECK_THAT(route.summary, Catch::Matchers::EndsWith("."));
    // Who only reads needs no more than to read, and who changes something must write.
    const bool changes = route.access == Access::write;
    if (changes) CHECK(std::string(route.method) == "POST");
  });
  each_filled(static_cast<const AnyRequest*>(nullptr), [&]<class R>(const R&) {
    CAPTURE(R::name);
    CHECK(routed.contains(R::name));
  });
}

TEST_CASE("what a path holds are arguments of its request") {
  each_route([&]<class R>(const RouteOf<R>& route) {
    std::set<std::string> names;
    for (const Argument& argument : arguments_of<R>()) {
      CAPTURE(argument.name);
      CHECK(names.insert(argument.name).second);
      CHECK_FALSE(argument.help.empty());
    }
    for (const std::string& name : arguments_in_path(route)) {
      CAPTURE(name);
      CHECK(names.contains(name));
    }
  });
}

TEST_CASE("what a client sends is what a handler gets") {
  each_route([&]<class R>(const RouteOf<R>&) {
    const R request = filled<R>();
    const auto call = http_call(request);
    REQUIRE(call);
    CAPTURE(call->method, call->target, call->body);
    const auto [route, text] = received(*call);
    REQUIRE(route != nullptr);
    const auto read = read_request(*route, text);
    REQUIRE(read);
    REQUIRE(std::holds_alternative<R>(*read));
    // A call of it again is the same call, so every argument came through.
    const auto again = http_call(*read);
    REQUIRE(again);
    CHECK(again->target == call->target);
    CHECK(again->body == call->body);
  });
}

TEST_CASE("of two routes a client takes the one whose path it can fill") {
  CHECK(http_call(ListEvents{.run = RunId(7)})->target == "/api/v1/runs/7/events?after=0&wait=0");
  CHECK(http_call(ListEvents{})->target == "/api/v1/events?after=0&wait=0");
  CHECK(http_call(StartJob{.job = JobName("a/b c")})->target == "/api/v1/jobs/a%2Fb%20c/runs");
}

TEST_CASE("a graph made in code has no text") {
  const auto call = http_call(SubmitRun{});
  REQUIRE_FALSE(call);
  CHECK_THAT(call.error().message, Contains("descriptor"));
}

TEST_CASE("an argument of the wrong kind is refused, wherever it stands") {
  int tried = 0;
  each_route([&]<class R>(const RouteOf<R>& route) {
    REQUIRE(read_request(route, right_text(route)));
    for (const Argument& argument : arguments_of<R>()) {
      const std::string place = place_of(route, argument.name);
      if (argument.text && place != "body") continue;
      RequestText text = right_text(route);
      set(text, place, argument.name, argument.text ? Json(5) : Json("x5"));
      check_refusal(read_request(route, text), place + "." + argument.name,
                    argument.name + " wants ", argument.name + ": " + argument.help);
      ++tried;
    }
  });
  CHECK(tried > 15);
}

TEST_CASE("of several wrong arguments the first is told") {
  each_route([]<class R>(const RouteOf<R>& route) {
    RequestText text = right_text(route);
    std::optional<std::string> first;
    for (const Argument& argument : arguments_of<R>()) {
      const std::string place = place_of(route, argument.name);
      if (argument.text && place != "body") continue;
      set(text, place, argument.name, argument.text ? Json(5) : Json("x5"));
      if (!first) first = place + "." + argument.name;
    }
    if (first) check_refusal(read_request(route, text), *first, " wants ", ": ");
  });
}

TEST_CASE("an argument that must be there is asked for") {
  int tried = 0;
  each_route([&]<class R>(const RouteOf<R>& route) {
    for (const Argument& argument : arguments_of<R>()) {
      if (argument.presence != Presence::required || in_path(route, argument.name)) continue;
      for (const char* body : {"", "{}", "null-instead"}) {
        RequestText text = right_text(route);
        text.body = body;
        if (text.body == "null-instead") text.body = Json{{argument.name, nullptr}}.dump();
        check_refusal(read_request(route, text), "body." + argument.name,
                      "'" + argument.name + "' is missing", argument.help);
        ++tried;
      }
    }
  });
  CHECK(tried > 0);
  each_route([](const Route& route) {
    if (std::string(route.operation) != "SubmitRun") return;
    check_refusal(read_request(route, {.path = {}, .query = {}, .body = R"({"descripter":""})"}),
                  "body.descripter", "'descripter'", "did you mean 'descriptor'?");
  });
}

TEST_CASE("an argument that a request does not take is refused, with what was meant") {
  each_route([&]<class R>(const RouteOf<R>& route) {
    for (const char* place : {"query", "body"}) {
      RequestText text = right_text(route);
      set(text, place, "ynknown", "x");
      check_refusal(read_request(route, text), std::string(place) + ".ynknown",
                    "takes no argument 'ynknown' in its " + std::string(place), "it takes ");
    }
    for (const Argument& argument : arguments_of<R>()) {
      const std::string place = place_of(route, argument.name);
      if (place == "path") continue;
      RequestText text = right_text(route);
      const std::string slip = argument.name + "e";
      set(text, place, slip, "x");
      check_refusal(read_request(route, text), place + "." + slip, "'" + slip + "'",
                    "did you mean '" + argument.name + "'?");
    }
  });
}

TEST_CASE("a body that is no JSON object is refused") {
  each_route([&](const Route& route) {
    for (const char* body : {"x", "[]", "\"x\"", "{\"a\":"}) {
      check_refusal(read_request(route, {.path = {}, .query = {}, .body = body}), "body",
                    "no JSON object", "arguments by their names");
    }
  });
}

TEST_CASE("numbers are whole, and within their bounds") {
  const Route* runs = nullptr;
  each_route([&](const Route& route) {
    if (std::string(route.operation) == "ListRuns") runs = &route;
  });
  REQUIRE(runs != nullptr);
  const auto limit = [&](const std::string& text) {
    return read_request(*runs, {.path = {}, .query = {{"limit", text}}, .body = ""});
  };
  CHECK(std::get<ListRuns>(*limit("20")).limit == 20);
  CHECK(std::get<ListRuns>(*limit("0")).limit == 0);
  for (const char* wrong :
       {"", "-1", "+1", "1.0", "1e3", " 1", "0x1", "4294967296", "99999999999999999999"}) {
    CAPTURE(wrong);
    CHECK_FALSE(limit(wrong));
  }
  CHECK(limit("4294967296").error().message ==
        "limit wants a whole number from 0 to 4294967295, not 4294967296");
  CHECK(limit("many").error().to_string() ==
        "invalid_argument: limit wants a whole number, not 'many' "
        "(limit: at most so many runs, and never more than 1000)");
}

TEST_CASE("a path meets its own route alone") {
  each_route([](const Route& one) {
    int met = 0;
    each_route([&](const Route& other) {
      met += std::string(one.method) == other.method && match(other, one.path).has_value();
    });
    CAPTURE(one.path);
    CHECK(met == 1);
    CHECK_FALSE(match(one, std::string(one.path) + "/more"));
    CHECK_FALSE(match(one, ""));
  });
}
