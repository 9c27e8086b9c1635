#pragma once

#include "runtime/base/json_fwd.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace troupe {

class Diagnostics;
class SourceText;
struct YamlEntry;

/// How a scalar was written. Decides how places inside it map to places in the file.
enum class ScalarStyle { plain, single_quoted, double_quoted, block };

/// A value of a YAML file that knows its place. Aliases are replaced by the values they refer to.
struct YamlNode {
  enum class Kind { null, scalar, list, map };
  Kind kind = Kind::null;
  ScalarStyle style = ScalarStyle::plain;
  std::size_t offset = 0;  ///< of its first byte in the file; of its key if it is empty
  std::string text = {};   ///< of a scalar
  std::vector<YamlNode> items = {};
  std::vector<YamlEntry> entries = {};

  /// The value of a key of a map, or null.
  const YamlNode* find(std::string_view key) const;
  const YamlEntry* entry(std::string_view key) const;
};

struct YamlEntry {
  YamlNode key;
  YamlNode value;
};

inline constexpr std::size_t yaml_bytes_max = 1 << 20;
inline constexpr std::size_t yaml_nodes_max = 50000;
inline constexpr int yaml_depth_max = 32;

/// The only document of the file, or nothing after a mistake that leaves no tree. Strict: UTF-8
/// without control characters, no tabs as indentation, no key twice, no key that YAML 1.1 takes for
/// a boolean, no tags, a limit on aliases.
std::optional<YamlNode> parse_yaml(const SourceText& source, Diagnostics& diagnostics);

/// The offset in the file of byte `at` of a scalar's text, behind quotes, escapes, folded lines and
/// the indentation of a block.
std::size_t offset_in_source(const SourceText& source, const YamlNode& scalar, std::size_t at);

/// The value as YAML 1.2 reads it: quoted scalars are texts, plain ones may be null, true, false
/// or a number. Maps keep their order.
Json to_json(const YamlNode& node);
/// Null, a boolean or a number if a plain scalar means one; else its text.
Json scalar_to_json(const YamlNode& scalar);

/// "a map", "a list", "nothing", "'x'": for messages.
std::string describe(const YamlNode& node);

}  // namespace troupe
