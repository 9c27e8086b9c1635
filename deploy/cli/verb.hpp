#pragma once

#include "deploy/cli/exit_code.hpp"
#include "deploy/cli/output.hpp"

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace troupe {

class OperatorRegistry;

/// One option or positional argument of a verb, as data. Help, checks and the documentation read
/// it, so an argument is declared once.
struct VerbArgument {
  enum class Kind { flag, value, list };

  std::string names;  ///< "-p,--param", "--executors"; no dash: a positional ("FILE")
  Kind kind = Kind::value;
  std::string help;
  std::string value_name = {};  ///< "K=V", shown in help
  bool required = false;
  std::string default_value = {};
  /// The variable that may set it: "TROUPE_ADDRESS". The command line wins.
  std::string environment = {};

  /// Its key in `VerbArguments`: "param", "executors", "FILE".
  std::string key() const;
};

struct VerbDescription {
  std::string name;     ///< "run", or "keys new" for a verb of a noun
  std::string summary;  ///< one line
  std::vector<VerbArgument> arguments;
  std::string example;  ///< a command line that works
  std::string details = {};
};

/// The largest number that an option takes, if it has no smaller bound of its own.
inline constexpr std::uint32_t integer_max = 1'000'000'000;

/// The arguments that the user wrote, checked for their shape.
class VerbArguments {
 public:
  bool flag(const std::string& key) const { return flags_.contains(key); }
  bool has(const std::string& key) const { return values_.contains(key); }
  /// The value, or its default, or "".
  std::string text(const std::string& key) const;
  std::vector<std::string> list(const std::string& key) const;
  /// A whole number from `min` to `max`; the error names the option.
  Result<std::uint32_t> integer(const std::string& key, std::uint32_t min = 0,
                                std::uint32_t max = integer_max) const;

 private:
  friend class CommandLine;
  std::map<std::string, bool> flags_;
  std::map<std::string, std::vector<std::string>> values_;
};

/// Everything that a verb works with: its output, the built-in operators.
struct VerbContext {
  Output& out;
  const OperatorRegistry& registry;
  /// The path of this binary, for child executors.
  std::string program;
};

/// One verb: one file in this room and one word in its meson.build.
class Verb {
 public:
  virtual ~Verb() = default;
  virtual const VerbDescription& description() const = 0;
  /// Expected failures come back as errors; `main` prints them and chooses the exit code.
  virtual Result<ExitCode> run(const VerbArguments& arguments, VerbContext& context) const = 0;
};

using VerbList = std::vector<std::unique_ptr<Verb>>;

/// All verbs of the room, in the order of its list (generated).
VerbList all_verbs();

}  // namespace troupe
