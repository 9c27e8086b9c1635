#pragma once

#include "runtime/base/json_fwd.hpp"
#include "runtime/base/result.hpp"
#include "runtime/os/file_system.hpp"
#include "runtime/secrets/secret.hpp"

#include <string>
#include <vector>

namespace troupe {

/// Where a secret is found by whoever needs it: an environment variable, or a file. The reference
/// itself is no secret; it is part of plans, and is shown.
struct SecretReference {
  enum class Kind { env, file };
  Kind kind = Kind::env;
  std::string name;  ///< of the variable; or the path, from the root

  friend bool operator==(const SecretReference&, const SecretReference&) = default;
};

/// {"env": "LEDGER_URL"} or {"file": "/run/secrets/ledger"}.
Result<SecretReference> parse_secret_reference(const Json& written);
Json to_json(const SecretReference& reference);

/// A text of which parts may be secrets. In a plan: a text, a reference, or a list of both.
class SecretText {
 public:
  struct Part {
    std::string literal;  ///< used where `secret` is not set
    std::optional<SecretReference> secret = {};

    friend bool operator==(const Part&, const Part&) = default;
  };

  static Result<SecretText> parse(const Json& written);
  Json to_json() const;

  const std::vector<Part>& parts() const { return parts_; }
  /// True where nothing of it is written down.
  bool all_secret() const;
  /// The whole text, looked up on this machine, now: a secret may change while a job runs. Where
  /// one is not here: `not_found`, with the name of what is missing. Blocks.
  Result<Secret> resolve(FileSystem& files) const;

 private:
  std::vector<Part> parts_;
};

/// A larger file is none that holds a secret.
inline constexpr std::size_t secret_bytes_max = std::size_t{64} << 10;

}  // namespace troupe
