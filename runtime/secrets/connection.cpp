#include "runtime/secrets/connection.hpp"

#include "runtime/base/json.hpp"
#include "runtime/base/near.hpp"

#include <algorithm>

namespace troupe {
namespace {

constexpr const char* secret_hint =
    "say under 'secrets:' where it is found, and write ${{ secrets.NAME }} here";

std::vector<std::string> type_names() {
  std::vector<std::string> names;
  for (const ConnectionType& type : connection_types()) names.push_back(type.name);
  return names;
}

std::vector<std::string> key_names(const ConnectionType& type) {
  std::vector<std::string> names;
  for (const ConnectionKey& key : type.keys) names.push_back(key.name);
  return names;
}

/// True if a URL has a password written in it: between the ':' behind a user and the '@', or as a
/// parameter. What a reference stands for is left out.
bool has_written_password(const SecretText& url) {
  constexpr char reference = '\1';
  std::string text;
  for (const SecretText::Part& part : url.parts()) {
    text += part.secret ? std::string(1, reference) : part.literal;
  }
  const auto written = [&](std::size_t from, std::size_t end) {
    return std::any_of(text.begin() + static_cast<std::ptrdiff_t>(from),
                       text.begin() + static_cast<std::ptrdiff_t>(end),
                       [](char letter) { return letter != reference && letter != ' '; });
  };
  if (const auto scheme = text.find("://"); scheme != std::string::npos) {
    const std::size_t user = scheme + 3;
    const std::size_t host = text.rfind('@', text.find_first_of("/?", user));
    const std::size_t colon = text.find(':', user);
    const bool both = host != std::string::npos && host > user && colon < host;
    if (both && written(colon + 1, host)) return true;
  }
  constexpr std::string_view key = "password=";
  const auto at = text.find(key);
  if (at == std::string::npos) return false;
  const std::size_t from = at + key.size();
  return written(from, std::min(text.find_first_of("& ", from), text.size()));
}

Result<> check_setting(const ConnectionKey& key, const SecretText& value) {
  const bool shown = key.secret ? !value.all_secret() : has_written_password(value);
  if (!shown) return {};
  Error error = make_error(ErrorCode::invalid_argument, "a password is not written in a job");
  error.hint = secret_hint;
  return error;
}

}  // namespace

const std::vector<ConnectionType>& connection_types() {
  static const std::vector<ConnectionType> types = {
      {"postgres",
       "A PostgreSQL database, version 12 or later.",
       {{.name = "url",
         .help = "`postgres://user@host:port/database?sslmode=require`, as libpq reads it: several "
                 "hosts with `target_session_attrs=read-write` follow a fail-over.",
         .required = true},
        {.name = "user", .help = "Instead of the URL's."},
        {.name = "password", .help = "Of the user.", .secret = true}}},
  };
  return types;
}

const ConnectionKey* ConnectionType::find(const std::string& key) const {
  const auto found =
      std::find_if(keys.begin(), keys.end(), [&](const auto& one) { return one.name == key; });
  return found == keys.end() ? nullptr : &*found;
}

const ConnectionType* find_connection_type(const std::string& name) {
  for (const ConnectionType& type : connection_types()) {
    if (type.name == name) return &type;
  }
  return nullptr;
}

Result<Connection> Connection::parse(const Json& written) {
  if (!written.is_object() || !written.contains("type") || !written["type"].is_string()) {
    return make_error(ErrorCode::invalid_argument, "a connection is a map with 'type': {}",
                      fmt::join(type_names(), ", "));
  }
  Connection made;
  made.type = written["type"].get<std::string>();
  made.name = made.type;
  const ConnectionType* type = find_connection_type(made.type);
  if (type == nullptr) {
    Error error =
        make_error(ErrorCode::invalid_argument, "'{}' is no type of a connection", made.type);
    error.hint = did_you_mean(made.type, type_names());
    return error.at("type");
  }
  for (const auto& [key, value] : written.items()) {
    if (key == "type") continue;
    if (key == "name" && value.is_string()) {
      made.name = value.get<std::string>();
      continue;
    }
    const ConnectionKey* known = type->find(key);
    if (known == nullptr) {
      Error error = make_error(ErrorCode::invalid_argument, "a connection of type {} has no '{}'",
                               made.type, key);
      error.hint = did_you_mean(key, key_names(*type));
      return error.at(key);
    }
    const auto text = SecretText::parse(value);
    if (!text) return text.error().at(key);
    const auto fits = check_setting(*known, *text);
    if (!fits) return fits.error().at(key);
    made.settings[key] = *text;
  }
  for (const ConnectionKey& key : type->keys) {
    if (!key.required || made.settings.contains(key.name)) continue;
    return make_error(ErrorCode::invalid_argument, "a connection of type {} needs '{}'", made.type,
                      key.name);
  }
  return made;
}

Json Connection::to_json() const {
  Json written = {{"name", name}, {"type", type}};
  for (const auto& [key, text] : settings) written[key] = text.to_json();
  return written;
}

Result<Secret> Connection::resolve(const std::string& key, FileSystem& files) const {
  const auto found = settings.find(key);
  if (found == settings.end()) return Secret();
  auto value = found->second.resolve(files);
  if (!value) return value.error().within(fmt::format("'{}' of the connection '{}'", key, name));
  return value;
}

std::vector<std::string> Connection::secret_files() const {
  std::vector<std::string> found;
  for (const auto& [key, text] : settings) {
    for (const SecretText::Part& part : text.parts()) {
      const bool file = part.secret && part.secret->kind == SecretReference::Kind::file;
      if (file) found.push_back(part.secret->name);
    }
  }
  return found;
}

}  // namespace troupe
