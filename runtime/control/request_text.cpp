#include "runtime/control/request_text.hpp"

#include "runtime/base/near.hpp"
#include "runtime/control/json_fields.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>

namespace troupe {
namespace {

template <class T>
constexpr bool is_whole() {
  if constexpr (is_optional<T>) {
    return is_whole<typename T::value_type>();
  } else if constexpr (is_id<T>) {
    return is_whole<std::remove_cvref_t<decltype(T().value())>>();
  } else {
    return std::integral<T> || std::same_as<T, std::chrono::seconds>;
  }
}

/// The text of a path or a query as the JSON that a body would hold.
template <class T>
Json json_of_text(const std::string& text) {
  if constexpr (std::same_as<T, bool>) {
    if (text == "true" || text == "false") return text == "true";
  } else if constexpr (is_whole<T>()) {
    std::uint64_t number = 0;
    const auto end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, number);
    if (error == std::errc() && stop == end) return number;
  }
  return text;
}

const char* place_of(const Route& route, std::string_view argument) {
  if (in_path(route, argument)) return "path";
  return route.method == std::string_view("GET") ? "query" : "body";
}

/// Hands each argument to its field. Arguments that are left over belong to no field.
class ArgumentReader {
 public:
  ArgumentReader(const Route& route, const RequestText& text, Json body)
      : route_(route), path_(text.path), query_(text.query), body_(std::move(body)) {}

  template <class T>
  void operator()(const char* name, T& value, Presence presence, const char* help) {
    known_.push_back(name);
    const auto given = take<T>(name);
    if (given) {
      const auto read = read_json(*given, value);
      if (!read && wrong_) wrong_ = refuse(name, name + (" " + read.error().message), help);
    } else if (presence == Presence::required && missing_) {
      missing_ = refuse(name, fmt::format("the argument '{}' is missing", name), help);
    }
  }

  /// Reports the first argument that is wrong; else one that the request does not take, for it may
  /// be a misspelling of a missing one; else a missing one.
  Result<> end() const {
    TRY(wrong_);
    if (!query_.empty()) return unknown("query", query_.begin()->first);
    if (!body_.empty()) return unknown("body", body_.items().begin().key());
    return missing_;
  }

 private:
  template <class T>
  std::optional<Json> take(const std::string& name) {
    const std::string_view place = place_of(route_, name);
    if (place == "body") {
      if (!body_.contains(name)) return std::nullopt;
      Json value = std::move(body_[name]);
      body_.erase(name);
      if (value.is_null()) return std::nullopt;
      return value;
    }
    const auto text = (place == "path" ? path_ : query_).extract(name);
    if (!text) return std::nullopt;
    return json_of_text<T>(text.mapped());
  }

  Error refuse(const char* name, std::string message, const char* help) const {
    Error error{ErrorCode::invalid_argument, std::move(message)};
    error.hint = fmt::format("{}: {}", name, help);
    return error.at(name).at(place_of(route_, name));
  }

  Error unknown(const char* place, const std::string& name) const {
    Error error = make_error(ErrorCode::invalid_argument, "{} {} takes no argument '{}' in its {}",
                             route_.method, route_.path, name, place);
    error.hint = did_you_mean(name, known_);
    if (error.hint.empty()) {
      error.hint =
          known_.empty() ? "it takes none" : fmt::format("it takes {}", fmt::join(known_, ", "));
    }
    return error.at(name).at(place);
  }

  const Route& route_;
  PathValues path_;
  std::map<std::string, std::string> query_;
  Json body_;
  std::vector<std::string> known_;
  Result<> wrong_, missing_;
};

Result<Json> body_of(const std::string& text) {
  if (text.empty()) return Json::object();
  Json body = Json::parse(text, nullptr, false);
  if (body.is_object()) return body;
  Error error = make_error(ErrorCode::invalid_argument, "the body is no JSON object");
  error.hint = "it holds the arguments by their names, or is empty";
  return error.at("body");
}

std::string url_encode(std::string_view text) {
  std::string encoded;
  for (const char c : text) {
    const bool plain = std::isalnum(static_cast<unsigned char>(c)) ||
                       std::string_view("-._~").find(c) != std::string_view::npos;
    encoded += plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return encoded;
}

std::string plain_text(const Json& value) {
  return value.is_string() ? value.get<std::string>() : json_text(value);
}

/// The route's path with its arguments filled in; those are removed from `arguments`.
std::string filled_path(const Route& route, Json& arguments) {
  std::string path = route.path;
  for (const std::string& name : arguments_in_path(route)) {
    const std::string place = fmt::format("{{{}}}", name);
    path.replace(path.find(place), place.size(), url_encode(plain_text(arguments[name])));
    arguments.erase(name);
  }
  return path;
}

/// True if no argument of the path is missing.
bool fills(const Route& route, const Json& arguments) {
  const auto names = arguments_in_path(route);
  return std::all_of(names.begin(), names.end(),
                     [&](const std::string& name) { return arguments.contains(name); });
}

HttpCall call_of(const Route& route, Json arguments) {
  HttpCall call{route.method, filled_path(route, arguments), ""};
  if (call.method != std::string_view("GET")) {
    call.body = json_text(arguments);
    return call;
  }
  const char* joint = "?";
  for (const auto& [name, value] : arguments.items()) {
    call.target += fmt::format("{}{}={}", joint, name, url_encode(plain_text(value)));
    joint = "&";
  }
  return call;
}

}  // namespace

Result<AnyRequest> read_request(const Route& route, const RequestText& text) {
  auto body = TRY(body_of(text.body));
  std::optional<Result<AnyRequest>> found;
  each_route([&]<class R>(const RouteOf<R>& row) {
    if (&row != &route) return;
    R request{};
    ArgumentReader reader(route, text, std::move(body));
    each_value(request, reader);
    const auto read = reader.end();
    found = read ? Result<AnyRequest>(AnyRequest(std::move(request))) : read.error();
  });
  ENSURE(found, "{} {} is no route of the table", route.method, route.path);
  return *std::move(found);
}

Result<HttpCall> http_call(const AnyRequest& request) {
  return std::visit(
      []<class R>(const R& asked) -> Result<HttpCall> {
        const Json arguments = json_of(asked);
        std::optional<HttpCall> call;
        each_route([&]<class Row>(const RouteOf<Row>& row) {
          if constexpr (std::same_as<R, Row>) {
            if (!call && fills(row, arguments)) call = call_of(row, arguments);
          }
        });
        if (call) return *std::move(call);
        return make_error(ErrorCode::invalid_argument,
                          "{} of a graph cannot be sent over HTTP: send the "
                          "descriptor",
                          R::name);
      },
      request);
}

}  // namespace troupe
