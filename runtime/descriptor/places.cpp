#include "runtime/descriptor/places.hpp"

#include "runtime/descriptor/map_reader.hpp"

#include <algorithm>
#include <charconv>

namespace troupe {
namespace {

/// The entry whose key begins the path: the longest one, for keys may have dots in them.
const YamlEntry* entry_on(const YamlNode& map, std::string_view path) {
  const YamlEntry* best = nullptr;
  for (const YamlEntry& entry : map.entries) {
    const std::string& key = entry.key.text;
    const bool fits =
        path.starts_with(key) && (path.size() == key.size() || path[key.size()] == '.');
    if (fits && (!best || key.size() > best->key.text.size())) best = &entry;
  }
  return best;
}

const YamlNode* item_on(const YamlNode& list, std::string_view path, std::size_t& used) {
  std::size_t index = 0;
  const auto [end, error] = std::from_chars(path.data(), path.data() + path.size(), index);
  if (error != std::errc() || index >= list.items.size()) return nullptr;
  used = static_cast<std::size_t>(end - path.data());
  return &list.items[index];
}

}  // namespace

Places::Walk Places::walk(std::string_view path) const {
  Walk at{nullptr, &dataflow_, path.empty()};
  while (!at.whole) {
    std::size_t used = 0;
    if (at.value->kind == YamlNode::Kind::map) {
      const YamlEntry* entry = entry_on(*at.value, path);
      if (!entry) return at;
      used = entry->key.text.size();
      at.key = &entry->key;
      at.value = &entry->value;
    } else if (at.value->kind == YamlNode::Kind::list) {
      const YamlNode* item = item_on(*at.value, path, used);
      if (!item) return at;
      at.key = nullptr;
      at.value = item;
    } else {
      return at;
    }
    at.whole = used >= path.size();
    if (!at.whole) path.remove_prefix(used + 1);
  }
  return at;
}

Place Places::key(const std::string& path) const {
  const Walk at = walk(path);
  const YamlNode& marked = at.key ? *at.key : *at.value;
  return {marked.offset, marked_bytes(marked)};
}

Place Places::value(const std::string& path, const std::optional<TextSpan>& span) const {
  const Walk at = walk(path);
  if (at.value->kind != YamlNode::Kind::scalar) return key(path);
  if (!span) return {at.value->offset, marked_bytes(*at.value)};
  return part(path, *at.value, *span);
}

Place Places::part(const std::string& path, const YamlNode& scalar, const TextSpan& span) const {
  std::size_t begin = span.offset;
  std::size_t last = span.offset + std::max<std::size_t>(span.length, 1) - 1;
  // The span counts in the text with its `${{ }}` filled in; people see the text as written.
  if (const auto found = templates_.find(path); found != templates_.end()) {
    begin = found->second.origin(begin).begin;
    last = std::max(begin + 1, found->second.origin(last).end) - 1;
  }
  const std::size_t from = offset_in_source(source_, scalar, begin);
  const std::size_t to = offset_in_source(source_, scalar, last) + 1;
  return {from, to > from ? to - from : 1};
}

}  // namespace troupe
