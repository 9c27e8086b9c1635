#include "runtime/descriptor/map_reader.hpp"

#include "runtime/base/json.hpp"
#include "runtime/base/near.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace troupe {

void report_wrong_type(Diagnostics& diagnostics, const YamlNode& value, std::string_view key,
                       std::string_view wanted) {
  diagnostics.report(Mistake::wrong_type, value.offset, marked_bytes(value),
                     fmt::format("'{}' wants {}, not {}", key, wanted, describe(value)));
}

std::size_t marked_bytes(const YamlNode& node) {
  if (node.kind != YamlNode::Kind::scalar || node.style == ScalarStyle::block) return 1;
  const std::size_t quotes = node.style == ScalarStyle::plain ? 0 : 2;
  return std::max<std::size_t>(node.text.size() + quotes, 1);
}

MapReader::MapReader(const YamlNode& map, std::string what, Diagnostics& diagnostics,
                     std::vector<std::string> allowed, std::vector<std::string> later)
    : map_(map), what_(std::move(what)), diagnostics_(diagnostics) {
  if (!is_map()) {
    report_wrong_type(diagnostics, map, what_, "a map");
    return;
  }
  for (const YamlEntry& entry : map.entries) {
    const std::string& key = entry.key.text;
    if (std::count(allowed.begin(), allowed.end(), key)) continue;
    if (std::count(later.begin(), later.end(), key)) {
      diagnostics.report(Mistake::not_supported, entry.key.offset, marked_bytes(entry.key),
                         fmt::format("'{}' is not supported by this version", key), "leave it out");
      continue;
    }
    diagnostics.report(Mistake::unknown_key, entry.key.offset, marked_bytes(entry.key),
                       fmt::format("unknown key '{}'", key), did_you_mean(key, allowed), allowed);
  }
}

const YamlNode* MapReader::require(std::string_view key, std::size_t offset,
                                   std::size_t length) const {
  const YamlNode* found = map_.find(key);
  if (!found && is_map()) {
    diagnostics_.report(Mistake::missing_key, offset, length,
                        fmt::format("{} needs '{}'", subject(), key));
  }
  return found;
}

/// "a job", "'late'".
std::string MapReader::subject() const {
  return what_.starts_with("a ") ? what_ : fmt::format("'{}'", what_);
}

std::optional<std::string> MapReader::text(std::string_view key) const {
  const YamlNode* value = map_.find(key);
  if (!value) return std::nullopt;
  if (value->kind != YamlNode::Kind::scalar || !scalar_to_json(*value).is_string()) {
    const bool scalar = value->kind == YamlNode::Kind::scalar;
    report_wrong_type(diagnostics_, *value, key, scalar ? "a text; put it in quotes" : "a text");
    return std::nullopt;
  }
  return value->text;
}

const YamlNode* MapReader::map(std::string_view key) const {
  const YamlNode* value = map_.find(key);
  if (!value || value->kind == YamlNode::Kind::map) return value;
  report_wrong_type(diagnostics_, *value, key, "a map");
  return nullptr;
}

const YamlNode* MapReader::list(std::string_view key) const {
  const YamlNode* value = map_.find(key);
  if (!value || value->kind == YamlNode::Kind::list) return value;
  report_wrong_type(diagnostics_, *value, key, "a list");
  return nullptr;
}

}  // namespace troupe
