#include "runtime/descriptor/yaml_node.hpp"

#include "runtime/base/json.hpp"
#include "runtime/descriptor/source_text.hpp"

#include <fmt/format.h>

#include <charconv>
#include <cstdint>
#include <regex>

namespace troupe {
namespace {

bool blank(char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }

/// An escape of a double-quoted scalar: the bytes that it takes in the file, and in the value.
struct Escape {
  std::size_t source;
  std::size_t value;
  bool blank;
};

Escape escape_at(std::string_view text, std::size_t at) {
  const char letter = at + 1 < text.size() ? text[at + 1] : '\0';
  const std::size_t digits = letter == 'x' ? 2 : letter == 'u' ? 4 : letter == 'U' ? 8 : 0;
  if (letter == '\n' || letter == '\r') return {2, 0, true};
  if (digits == 0) {
    const bool is_blank = letter == 'n' || letter == 't' || letter == 'r' || letter == ' ';
    const std::size_t bytes = letter == 'L' || letter == 'P'   ? 3
                              : letter == 'N' || letter == '_' ? 2
                                                               : 1;
    return {2, bytes, is_blank};
  }
  std::uint32_t code = 0;
  const char* first = text.data() + std::min(at + 2, text.size());
  const char* last = text.data() + std::min(at + 2 + digits, text.size());
  std::from_chars(first, last, code, 16);
  const std::size_t bytes = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
  return {2 + digits, bytes, code < 0x80 && blank(static_cast<char>(code))};
}

/// Finds places in the file by counting bytes that are no blanks. Folding and indentation change
/// blanks only, so the n-th such byte of a scalar's value is the n-th one in the file, apart from
/// quotes and escapes.
class ScalarWalk {
 public:
  ScalarWalk(std::string_view text, const YamlNode& scalar) : text_(text), scalar_(scalar) {
    at_ = scalar.offset;
    if (scalar.style == ScalarStyle::block) {
      at_ = std::min(text_.find('\n', at_), text_.size());
    } else if (scalar.style != ScalarStyle::plain) {
      ++at_;
    }
  }

  std::size_t find(std::size_t wanted) {
    const std::string& value = scalar_.text;
    std::size_t i = 0;
    std::size_t end = at_;
    while (i < value.size()) {
      if (blank(value[i])) {
        if (i == wanted) return end;
        ++i;
        continue;
      }
      const std::size_t bytes = next();
      if (i + bytes > wanted) return bytes == size_ ? at_ + wanted - i : at_;
      i += bytes;
      at_ += size_;
      end = at_;
    }
    return end;
  }

 private:
  /// Goes to the next byte or escape that is no blank. It takes `size_` bytes in the file; returns
  /// the bytes that it stands for.
  std::size_t next() {
    while (at_ < text_.size()) {
      size_ = 1;
      if (blank(text_[at_])) {
        ++at_;
      } else if (scalar_.style == ScalarStyle::single_quoted && text_.substr(at_, 2) == "''") {
        size_ = 2;
        return 1;
      } else if (scalar_.style == ScalarStyle::double_quoted && text_[at_] == '\\') {
        const Escape escape = escape_at(text_, at_);
        size_ = escape.source;
        if (!escape.blank) return escape.value;
        at_ += size_;
      } else {
        return 1;
      }
    }
    return 1;
  }

  std::string_view text_;
  const YamlNode& scalar_;
  std::size_t at_ = 0;
  std::size_t size_ = 1;
};

bool is_integer(const std::string& text) {
  const std::size_t start = text[0] == '-' || text[0] == '+' ? 1 : 0;
  return start < text.size() && text.find_first_not_of("0123456789", start) == std::string::npos;
}

/// A number as YAML 1.2's core schema has it; not "1_000", not "0x1F", not ".inf".
bool is_number(const std::string& text) {
  static const std::regex shape(R"([-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?)",
                                std::regex::optimize);
  return text.size() <= 64 && std::regex_match(text, shape);
}

}  // namespace

const YamlEntry* YamlNode::entry(std::string_view key) const {
  for (const YamlEntry& one : entries) {
    if (one.key.text == key) return &one;
  }
  return nullptr;
}

const YamlNode* YamlNode::find(std::string_view key) const {
  const YamlEntry* found = entry(key);
  return found ? &found->value : nullptr;
}

std::size_t offset_in_source(const SourceText& source, const YamlNode& scalar, std::size_t at) {
  return ScalarWalk(source.text(), scalar).find(at);
}

Json scalar_to_json(const YamlNode& scalar) {
  const std::string& text = scalar.text;
  if (scalar.style != ScalarStyle::plain) return text;
  if (text.empty() || text == "null" || text == "~" || text == "Null" || text == "NULL") {
    return nullptr;
  }
  if (text == "true" || text == "True" || text == "TRUE") return true;
  if (text == "false" || text == "False" || text == "FALSE") return false;
  const char* first = text.data() + (text[0] == '+' ? 1 : 0);
  const char* last = text.data() + text.size();
  if (is_integer(text)) {
    std::int64_t whole = 0;
    if (std::from_chars(first, last, whole).ec == std::errc()) return whole;
  }
  if (is_number(text)) {
    double number = 0;
    if (std::from_chars(first, last, number).ec == std::errc()) return number;
  }
  return text;
}

Json to_json(const YamlNode& node) {
  if (node.kind == YamlNode::Kind::scalar) return scalar_to_json(node);
  if (node.kind == YamlNode::Kind::null) return nullptr;
  if (node.kind == YamlNode::Kind::list) {
    Json list = Json::array();
    for (const YamlNode& item : node.items) list.push_back(to_json(item));
    return list;
  }
  Json map = Json::object();
  for (const YamlEntry& entry : node.entries) map[entry.key.text] = to_json(entry.value);
  return map;
}

std::string describe(const YamlNode& node) {
  switch (node.kind) {
    case YamlNode::Kind::null:
      return "nothing";
    case YamlNode::Kind::list:
      return "a list";
    case YamlNode::Kind::map:
      return "a map";
    case YamlNode::Kind::scalar:
      break;
  }
  constexpr std::size_t shown_max = 40;
  if (node.text.size() <= shown_max) return fmt::format("'{}'", node.text);
  return fmt::format("'{}...'", node.text.substr(0, shown_max));
}

}  // namespace troupe
