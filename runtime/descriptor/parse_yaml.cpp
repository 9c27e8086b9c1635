#include "runtime/base/ensure.hpp"
#include "runtime/base/utf8.hpp"
#include "runtime/descriptor/diagnostic.hpp"
#include "runtime/descriptor/yaml_node.hpp"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <array>
#include <map>
#include <sstream>
#include <utility>

namespace troupe {
namespace {

/// Thrown to stop the parser after a mistake was reported.
struct Stop {};

/// The number of bytes before the first one that a descriptor may not have: a byte that is not
/// UTF-8, or a control character.
std::size_t text_bytes(std::string_view text) {
  const auto is_control = [](char letter) {
    const auto byte = static_cast<unsigned char>(letter);
    return (byte < 0x20 && byte != '\n' && byte != '\r' && byte != '\t') || byte == 0x7F;
  };
  const auto control = std::find_if(text.begin(), text.end(), is_control);
  return std::min(utf8_bytes(text), static_cast<std::size_t>(control - text.begin()));
}

bool check_text(const SourceText& source, Diagnostics& diagnostics) {
  const std::string& text = source.text();
  if (text.size() > yaml_bytes_max) {
    diagnostics.report(Mistake::too_large, 0, 1,
                       fmt::format("{} bytes are more than a descriptor may have ({})", text.size(),
                                   yaml_bytes_max));
    return false;
  }
  if (const std::size_t at = text_bytes(text); at < text.size()) {
    const auto byte = static_cast<unsigned char>(text[at]);
    const bool control = byte < 0x20 || byte == 0x7F;
    diagnostics.report(Mistake::not_text, at, 1,
                       control ? fmt::format("a control character, 0x{:02x}", byte)
                               : fmt::format("byte 0x{:02x} is no UTF-8 text", byte),
                       control ? "take it out" : "save the file as UTF-8");
    return false;
  }
  for (std::size_t start = 0; start < text.size();) {
    const std::size_t first = text.find_first_not_of(' ', start);
    if (first != std::string::npos && text[first] == '\t' && first >= start) {
      const std::size_t content = text.find_first_not_of(" \t", first);
      const bool empty =
          content == std::string::npos || text[content] == '\n' || text[content] == '\r';
      if (!empty) {
        diagnostics.report(Mistake::tab, first, content - first, "a tab indents this line",
                           "use spaces");
        return false;
      }
    }
    const std::size_t end = text.find('\n', start);
    start = end == std::string::npos ? text.size() : end + 1;
  }
  return true;
}

std::size_t nodes_in(const YamlNode& node) {
  std::size_t count = 1;
  for (const YamlNode& item : node.items) count += nodes_in(item);
  for (const YamlEntry& entry : node.entries) count += 1 + nodes_in(entry.value);
  return count;
}

int depth_of(const YamlNode& node) {
  int deepest = 0;
  for (const YamlNode& item : node.items) deepest = std::max(deepest, depth_of(item));
  for (const YamlEntry& entry : node.entries) deepest = std::max(deepest, depth_of(entry.value));
  return deepest + 1;
}

/// Builds the tree from the parser's events.
class TreeBuilder : public YAML::EventHandler {
 public:
  TreeBuilder(const SourceText& source, Diagnostics& diagnostics)
      : source_(source), diagnostics_(diagnostics) {}

  std::optional<YamlNode> take() { return std::move(root_); }

  /// The place of the innermost bracket that is not closed.
  std::optional<std::size_t> unclosed() const {
    for (auto one = open_.rbegin(); one != open_.rend(); ++one) {
      const char first = source_.text()[one->node.offset];
      if (first == '[' || first == '{') return one->node.offset;
    }
    return std::nullopt;
  }

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (documents_++ == 0) return;
    stop(Mistake::bad_yaml, at(mark), "a second document begins here", "one job a file");
  }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    YamlNode node;
    node.offset = at(mark);
    // The parser puts an empty value at the next token; for people its place is that of its key.
    const bool written = source_.text().substr(node.offset, 1) == "~" ||
                         source_.text().substr(node.offset, 4) == "null";
    if (!written && key_) node.offset = key_offset();
    add(std::move(node), anchor);
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto found = anchors_.find(anchor);
    if (found == anchors_.end()) {
      stop(Mistake::bad_yaml, at(mark), "an alias inside of what it stands for",
           "it would never end");
    }
    // An alias copies its value, and aliases of aliases grow exponentially: the copies count.
    count(nodes_in(found->second), at(mark));
    deep(static_cast<int>(open_.size()) + depth_of(found->second), at(mark));
    add(found->second, 0);
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    refuse_tag(mark, tag);
    YamlNode node;
    node.kind = YamlNode::Kind::scalar;
    node.offset = after_anchor(at(mark), anchor);
    node.text = value;
    node.style = style_at(node.offset, tag);
    if (!closed(node)) stop(Mistake::bad_yaml, node.offset, "this quote is not closed");
    add(std::move(node), anchor);
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(YamlNode::Kind::list, mark, tag, anchor);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(YamlNode::Kind::map, mark, tag, anchor);
  }
  void OnMapEnd() override { close(); }

 private:
  /// A list or map that has begun. Between a key and its value, a map keeps the key here.
  struct Open {
    YamlNode node;
    YAML::anchor_t anchor = 0;
    std::optional<YamlNode> key = {};
    std::map<std::string, std::size_t> keys = {};  ///< with their offsets
  };

  [[noreturn]] void stop(Mistake mistake, std::size_t offset, std::string message,
                         std::string hint = {}) {
    diagnostics_.report(mistake, offset, 1, std::move(message), std::move(hint));
    throw Stop{};
  }

  static std::size_t at(const YAML::Mark& mark) {
    return static_cast<std::size_t>(std::max(mark.pos, 0));
  }

  std::size_t key_offset() const { return open_.back().key->offset; }

  void count(std::size_t nodes, std::size_t offset) {
    nodes_ += nodes;
    if (nodes_ <= yaml_nodes_max) return;
    stop(Mistake::too_large, offset,
         fmt::format("more than {} values, aliases included", yaml_nodes_max));
  }

  void deep(int depth, std::size_t offset) {
    if (depth <= yaml_depth_max) return;
    stop(Mistake::too_large, offset, fmt::format("nested more than {} deep", yaml_depth_max));
  }

  void refuse_tag(const YAML::Mark& mark, const std::string& tag) {
    if (tag.empty() || tag == "?" || tag == "!") return;
    stop(Mistake::bad_yaml, at(mark), "a tag stands here",
         "values have the types that they look like; leave the tag out");
  }

  /// The parser gives an anchored value the place of its anchor; this is the place of the value.
  std::size_t after_anchor(std::size_t offset, YAML::anchor_t anchor) const {
    const std::string& text = source_.text();
    if (anchor == 0 || offset >= text.size() || text[offset] != '&') return offset;
    const std::size_t end = text.find_first_of(" \t\r\n", offset);
    return std::min(text.find_first_not_of(" \t\r\n", end), text.size());
  }

  ScalarStyle style_at(std::size_t offset, const std::string& tag) const {
    // The parser tags quoted and block scalars with "!", and plain ones with "?".
    if (tag != "!" || offset >= source_.text().size()) return ScalarStyle::plain;
    switch (source_.text()[offset]) {
      case '\'':
        return ScalarStyle::single_quoted;
      case '"':
        return ScalarStyle::double_quoted;
      default:
        return ScalarStyle::block;
    }
  }

  /// Checked here, because the parser takes the end of the file for a closing quote.
  bool closed(const YamlNode& scalar) const {
    const std::string& text = source_.text();
    std::size_t at = scalar.offset + 1;
    if (scalar.style == ScalarStyle::double_quoted) {
      while (at < text.size() && text[at] != '"') at += text[at] == '\\' ? 2 : 1;
    } else if (scalar.style == ScalarStyle::single_quoted) {
      while (at < text.size() && (text[at] != '\'' || text.compare(at, 2, "''") == 0)) {
        at += text[at] == '\'' ? 2 : 1;
      }
    } else {
      return true;
    }
    return at < text.size();
  }

  void open(YamlNode::Kind kind, const YAML::Mark& mark, const std::string& tag,
            YAML::anchor_t anchor) {
    refuse_tag(mark, tag);
    deep(static_cast<int>(open_.size()) + 1, at(mark));
    refuse_key(at(mark));
    Open opened;
    opened.node.kind = kind;
    opened.node.offset = after_anchor(at(mark), anchor);
    opened.anchor = anchor;
    open_.push_back(std::move(opened));
    key_ = false;
  }

  void close() {
    Open closed = std::move(open_.back());
    open_.pop_back();
    key_ = !open_.empty() && open_.back().key.has_value();
    add(std::move(closed.node), closed.anchor);
  }

  void refuse_key(std::size_t offset) {
    const bool is_key = !open_.empty() && open_.back().node.kind == YamlNode::Kind::map && !key_;
    if (is_key) stop(Mistake::bad_yaml, offset, "a list or map as a key", "keys are texts");
  }

  void add(YamlNode node, YAML::anchor_t anchor) {
    count(1, node.offset);
    // Known only when it is complete: so an alias within its own value is not found, and refused.
    if (anchor != 0) anchors_[anchor] = node;
    if (open_.empty()) {
      root_ = std::move(node);
      return;
    }
    Open& parent = open_.back();
    if (parent.node.kind == YamlNode::Kind::list) {
      parent.node.items.push_back(std::move(node));
    } else if (!key_) {
      check_key(parent, node);
      parent.key = std::move(node);
      key_ = true;
    } else {
      parent.node.entries.push_back({*std::move(parent.key), std::move(node)});
      parent.key.reset();
      key_ = false;
    }
  }

  void check_key(Open& parent, const YamlNode& key) {
    if (key.kind != YamlNode::Kind::scalar) {
      stop(Mistake::bad_yaml, key.offset, "a key that is no text", "keys are texts");
    }
    if (key.style == ScalarStyle::plain && key.text == "<<") {
      stop(Mistake::bad_yaml, key.offset, "'<<' merges maps in YAML 1.1 only",
           "write the keys out");
    }
    const auto [first, fresh] = parent.keys.emplace(key.text, key.offset);
    if (fresh) return;
    diagnostics_.report(Mistake::duplicate_key, key.offset, key.text.size(),
                        fmt::format("the key '{}' is there twice", key.text),
                        fmt::format("first in line {}", source_.position(first->second).line));
  }

  const SourceText& source_;
  Diagnostics& diagnostics_;
  std::vector<Open> open_;
  bool key_ = false;  ///< the innermost map has a key and waits for its value
  std::map<YAML::anchor_t, YamlNode> anchors_;
  std::optional<YamlNode> root_;
  std::size_t nodes_ = 0;
  int documents_ = 0;
};

/// Reports the parser's error in words that help.
void report_parser(const YAML::ParserException& error, const TreeBuilder& builder,
                   const SourceText& source, Diagnostics& diagnostics) {
  struct Told {
    const char* parser;
    const char* message;
    const char* hint;
  };
  constexpr std::array told = {
      Told{"illegal map value", "a ':' where no value can begin",
           "quote a text that contains ': ', and look at the indentation"},
      Told{"end of map not found", "this line fits no level of indentation above it",
           "indent it like its neighbours"},
      Told{"end of sequence not found", "this line fits no level of indentation above it",
           "indent it like its neighbours"},
      Told{"end of sequence flow not found", "a '[' is not closed", "quote ${{ }} inside [ ]"},
      Told{"end of map flow not found", "a '{' is not closed", "quote ${{ }} inside { }"},
      Told{"illegal EOF in scalar", "a quote is not closed", ""},
      Told{"unknown token", "no value begins like this", "put the text in quotes"},
      Told{"illegal flow end", "a bracket is closed that was not opened", "put the text in quotes"},
      Told{"the referenced anchor is not defined", "an alias without its anchor",
           "quote a text that begins with '*'"},
  };
  auto at = static_cast<std::size_t>(std::max(error.mark.pos, 0));
  if (error.msg.find("flow not found") != std::string::npos) at = builder.unclosed().value_or(at);
  const std::size_t last = source.text().empty() ? 0 : source.text().size() - 1;
  for (const Told& one : told) {
    if (error.msg.starts_with(one.parser)) {
      return diagnostics.report(Mistake::bad_yaml, std::min(at, last), 1, one.message, one.hint);
    }
  }
  diagnostics.report(Mistake::bad_yaml, std::min(at, last), 1, error.msg);
}

}  // namespace

std::optional<YamlNode> parse_yaml(const SourceText& source, Diagnostics& diagnostics) {
  if (!check_text(source, diagnostics)) return std::nullopt;
  TreeBuilder builder(source, diagnostics);
  try {
    std::istringstream input(source.text());
    YAML::Parser parser(input);
    while (parser.HandleNextDocument(builder)) {
    }
  } catch (const Stop&) {
    return std::nullopt;
  } catch (const YAML::ParserException& error) {
    report_parser(error, builder, source, diagnostics);
    return std::nullopt;
  }
  std::optional<YamlNode> root = builder.take();
  if (!root || root->kind == YamlNode::Kind::null) {
    diagnostics.report(Mistake::bad_yaml, 0, 1, "the file is empty",
                       "a job begins with 'apiVersion: troupe/v1'");
    return std::nullopt;
  }
  return root;
}

}  // namespace troupe
