#include "runtime/secrets/secret_text.hpp"

#include "runtime/base/json.hpp"
#include "runtime/os/environment_variable.hpp"

#include <algorithm>

namespace troupe {
namespace {

const char* word(SecretReference::Kind kind) {
  return kind == SecretReference::Kind::env ? "env" : "file";
}

Error no_reference() {
  return make_error(
      ErrorCode::invalid_argument,
      "a secret is {{env: NAME}} or {{file: PATH}}: where it is found, not what it is");
}

/// A name that a shell could set.
bool names_variable(const std::string& name) {
  const auto plain = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
  };
  const bool digit = !name.empty() && std::isdigit(static_cast<unsigned char>(name[0])) != 0;
  return !name.empty() && !digit && std::all_of(name.begin(), name.end(), plain);
}

Result<Secret> from_environment(const std::string& name) {
  auto value = environment_variable(name);
  if (value && !value->empty()) return Secret(*std::move(value));
  Error error = make_error(ErrorCode::not_found,
                           "the environment variable {} is not set where it is needed", name);
  error.hint = "set it for every node that may run this, and start them again";
  return error;
}

/// Without the line's end that editors and `echo` put behind it.
Result<Secret> from_file(FileSystem& files, const std::string& path) {
  const auto size = files.size(path);
  if (!size) return size.error().within("the file of a secret");
  if (*size > secret_bytes_max) {
    return make_error(ErrorCode::invalid_argument, "the file of a secret, {}, has {} bytes", path,
                      *size);
  }
  std::string text = TRY(files.read(path));
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
  if (!text.empty()) return Secret(std::move(text));
  return make_error(ErrorCode::not_found, "the file of a secret, {}, is empty", path);
}

}  // namespace

Result<SecretReference> parse_secret_reference(const Json& written) {
  if (!written.is_object() || written.size() != 1) return no_reference();
  const auto [key, value] = *written.items().begin();
  if ((key != "env" && key != "file") || !value.is_string()) return no_reference();
  SecretReference reference{key == "env" ? SecretReference::Kind::env : SecretReference::Kind::file,
                            value.get<std::string>()};
  if (key == "env" && !names_variable(reference.name)) {
    return make_error(ErrorCode::invalid_argument, "'{}' is no name of an environment variable",
                      reference.name);
  }
  if (key == "file" && !reference.name.starts_with('/')) {
    return make_error(ErrorCode::invalid_argument,
                      "the file of a secret is named from the root, not '{}'", reference.name);
  }
  return reference;
}

Json to_json(const SecretReference& reference) { return {{word(reference.kind), reference.name}}; }

Result<SecretText> SecretText::parse(const Json& written) {
  SecretText text;
  for (const Json& part : written.is_array() ? written : Json::array({written})) {
    if (part.is_string()) {
      text.parts_.push_back({part.get<std::string>()});
    } else if (part.is_object()) {
      text.parts_.push_back({"", TRY(parse_secret_reference(part))});
    } else {
      return make_error(ErrorCode::invalid_argument, "a text is wanted here");
    }
  }
  return text;
}

Json SecretText::to_json() const {
  Json written = Json::array();
  for (const Part& part : parts_) {
    written.push_back(part.secret ? troupe::to_json(*part.secret) : Json(part.literal));
  }
  return written.size() == 1 ? written.front() : written;
}

bool SecretText::all_secret() const {
  return std::all_of(parts_.begin(), parts_.end(),
                     [](const Part& part) { return part.secret.has_value(); });
}

Result<Secret> SecretText::resolve(FileSystem& files) const {
  Secret whole;
  for (const Part& part : parts_) {
    if (!part.secret) {
      whole.append(part.literal);
      continue;
    }
    const Secret one =
        TRY(part.secret->kind == SecretReference::Kind::env ? from_environment(part.secret->name)
                                                            : from_file(files, part.secret->name));
    whole.append(one.reveal());
  }
  return whole;
}

}  // namespace troupe
