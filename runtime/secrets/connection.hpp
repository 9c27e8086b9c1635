#pragma once

#include "runtime/base/json_fwd.hpp"
#include "runtime/base/result.hpp"
#include "runtime/secrets/secret_text.hpp"

#include <map>
#include <string>
#include <vector>

namespace troupe {

/// One key of a connection.
struct ConnectionKey {
  std::string name;
  std::string help;
  bool required = false;
  /// Nothing of its value may be written down: all of it is secrets.
  bool secret = false;
};

/// A kind of system outside that jobs connect to: "postgres". The validator, the JSON Schema and
/// the reference read this, so it is declared once.
struct ConnectionType {
  std::string name;
  std::string summary;
  std::vector<ConnectionKey> keys;

  const ConnectionKey* find(const std::string& key) const;
};
const std::vector<ConnectionType>& connection_types();
const ConnectionType* find_connection_type(const std::string& name);

/// What a job says of a system outside, as it stands in the options of the operators that use it:
/// {"name": "ledger", "type": "postgres", "url": {"env": "LEDGER_URL"}}. Plans and messages hold
/// references to secrets; who connects looks them up, on his node (`SecretText::resolve`).
struct Connection {
  std::string name;  ///< the job's word for it; its type where it has none
  std::string type;
  std::map<std::string, SecretText> settings;

  /// Errors have the path of the key.
  static Result<Connection> parse(const Json& written);
  Json to_json() const;

  /// A setting, looked up; empty where it is not set. Errors name the connection.
  Result<Secret> resolve(const std::string& key, FileSystem& files) const;
  /// The files in which its secrets are.
  std::vector<std::string> secret_files() const;
};

}  // namespace troupe
