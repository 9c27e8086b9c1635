#pragma once

#include "runtime/descriptor/diagnostic.hpp"
#include "runtime/descriptor/yaml_node.hpp"

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace troupe {

/// Reads a map of a descriptor whose keys are known. Reports unknown keys, and a value that is no
/// map. Getters report a value of the wrong kind and return nothing.
class MapReader {
 public:
  /// `what` names the map in messages: its key, or "a job". `later` are keys of later versions.
  MapReader(const YamlNode& map, std::string what, Diagnostics& diagnostics,
            std::vector<std::string> allowed, std::vector<std::string> later = {});

  bool is_map() const { return map_.kind == YamlNode::Kind::map; }
  bool has(std::string_view key) const { return map_.find(key) != nullptr; }
  const YamlNode* find(std::string_view key) const { return map_.find(key); }
  /// Like `find`, but a missing key is a mistake, at `offset`.
  const YamlNode* require(std::string_view key, std::size_t offset, std::size_t length = 1) const;

  /// A text; a plain number or boolean counts as a wrong kind.
  std::optional<std::string> text(std::string_view key) const;
  const YamlNode* map(std::string_view key) const;
  const YamlNode* list(std::string_view key) const;

 private:
  std::string subject() const;

  const YamlNode& map_;
  std::string what_;
  Diagnostics& diagnostics_;
};

/// Reports "'key' wants X, not Y" at a value.
void report_wrong_type(Diagnostics& diagnostics, const YamlNode& value, std::string_view key,
                       std::string_view wanted);
/// The bytes of a scalar in the file, on its first line: a mark covers so many.
std::size_t marked_bytes(const YamlNode& node);

}  // namespace troupe
