#include "runtime/expr/syntax.hpp"

#include "runtime/base/near.hpp"

#include <fmt/format.h>
#include <pg_query.h>

#include <algorithm>
#include <charconv>
#include <limits>
#include <memory>

namespace troupe {

namespace {

// Locations in trees count from the begin of the statement around the text.
constexpr std::string_view select_head = "SELECT ";
constexpr std::string_view order_head = "SELECT 1 ORDER BY ";

struct FreeParse {
  void operator()(PgQueryParseResult* result) const {
    pg_query_free_parse_result(*result);
    delete result;
  }
};

Error at(Error error, std::size_t offset, std::size_t length) {
  error.span = TextSpan{offset, length};
  return error;
}

bool is_name_letter(char letter) {
  return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') ||
         (letter >= '0' && letter <= '9') || letter == '_' || letter == '$' || (letter & 0x80) != 0;
}

/// Counts operator characters outside of strings and quoted names.
std::size_t operator_count(std::string_view text) {
  std::size_t count = 0;
  char quote = '\0';
  for (const char letter : text) {
    if (quote != '\0') {
      if (letter == quote) quote = '\0';
    } else if (letter == '\'' || letter == '"') {
      quote = letter;
    } else if (std::string_view("+-*/%^<>=!~|&#@:[").find(letter) != std::string_view::npos) {
      ++count;
    }
  }
  return count;
}

Result<> check_size(std::string_view text) {
  if (text.size() > expression_bytes_max) {
    return make_error(ErrorCode::invalid_argument,
                      "an expression of {} bytes: at most {} are allowed", text.size(),
                      expression_bytes_max);
  }
  if (const std::size_t nul = text.find('\0'); nul != std::string_view::npos) {
    return at(make_error(ErrorCode::invalid_argument, "a zero byte in an expression"), nul, 1);
  }
  if (operator_count(text) > expression_operators_max) {
    return make_error(ErrorCode::invalid_argument, "an expression of more than {} operators",
                      expression_operators_max);
  }
  return {};
}

/// The parser counts characters from 1, of the whole statement.
std::size_t byte_of(std::string_view statement, int position) {
  std::size_t byte = 0;
  for (int i = 1; i < position && byte < statement.size(); ++i) {
    ++byte;
    while (byte < statement.size() && (statement[byte] & 0xc0) == 0x80) ++byte;
  }
  return byte;
}

Error syntax_error(const PgQueryError& error, std::string_view statement, std::string_view text,
                   std::size_t head) {
  std::string message = error.message ? error.message : "syntax error";
  std::size_t offset = byte_of(statement, error.cursorpos);
  offset = offset < head ? 0 : std::min(offset - head, text.size());
  std::size_t length = 1;
  const std::size_t open = message.find(" at or near \"");
  if (open != std::string::npos) length = message.size() - open - 14;
  if (offset >= text.size()) message = "syntax error at the end: something is missing";
  length = std::min(length, text.size() - offset);
  return at(Error{ErrorCode::invalid_argument, message}, offset, length);
}

/// The depth of the tree, at most `limit`: it does not look deeper.
int depth_of(const Tree& tree, int limit) {
  if (limit <= 0 || !tree.is_structured()) return 0;
  int deepest = 0;
  for (const Tree& child : tree) deepest = std::max(deepest, depth_of(child, limit - 1));
  return deepest + 1;
}

template <class Use>
void each_place(const Tree& tree, const Use& use) {
  if (tree.is_object()) {
    for (const auto& [key, child] : tree.items()) {
      if (key == "location" && child.is_number()) {
        if (child.template get<std::int64_t>() >= 0) use(child.template get<std::size_t>());
      } else {
        each_place(child, use);
      }
    }
  } else if (tree.is_array()) {
    for (const Tree& child : tree) each_place(child, use);
  }
}

/// Makes places relative to the text. The parser leaves out a place that is 0 in the statement.
void shift_places(Tree& tree, std::int64_t head) {
  if (tree.is_object()) {
    for (auto& [key, child] : tree.items()) {
      if (key == "location" && child.is_number()) {
        child = std::max<std::int64_t>(child.template get<std::int64_t>() - head, -1);
      } else {
        shift_places(child, head);
      }
    }
  } else if (tree.is_array()) {
    for (Tree& child : tree) shift_places(child, head);
  }
}

const Tree& nothing() {
  static const Tree empty;
  return empty;
}

}  // namespace

SyntaxNode::SyntaxNode(const Tree& tree) : body(&nothing()) {
  if (!tree.is_object() || tree.size() != 1) return;
  kind = tree.begin().key();
  body = &tree.begin().value();
}

const Tree& SyntaxNode::operator[](const char* field) const {
  const auto found = body->find(field);
  return found == body->end() ? nothing() : *found;
}

std::vector<const Tree*> SyntaxNode::list(const char* field) const {
  std::vector<const Tree*> items;
  for (const Tree& item : (*this)[field]) items.push_back(&item);
  return items;
}

std::string SyntaxNode::word(const char* field) const {
  const Tree& value = (*this)[field];
  return value.is_string() ? value.get<std::string>() : "";
}

std::int64_t SyntaxNode::integer(const char* field, std::int64_t absent) const {
  const Tree& value = (*this)[field];
  return value.is_number() ? value.get<std::int64_t>() : absent;
}

Result<Syntax> Syntax::parse(std::string_view text, std::string_view before,
                             std::string_view after) {
  TRY(check_size(text));
  const std::string statement = fmt::format("{}{}\n{}", before, text, after);
  const std::unique_ptr<PgQueryParseResult, FreeParse> parsed(
      new PgQueryParseResult(pg_query_parse(statement.c_str())));
  if (parsed->error) return syntax_error(*parsed->error, statement, text, before.size());
  Syntax syntax;
  syntax.text_ = text;
  const Tree tree = Tree::parse(parsed->parse_tree, nullptr, false);
  if (tree.is_discarded()) {
    return make_error(ErrorCode::invalid_argument, "an expression that is not UTF-8 text");
  }
  const Tree& statements = tree["stmts"];
  if (statements.size() != 1) {
    return at(make_error(ErrorCode::invalid_argument, "one expression is expected, not statements"),
              0, text.size());
  }
  // An expression is two levels of the tree for each level of its text: an object in an object.
  constexpr int tree_depth_max = 3 * expression_depth_max;
  if (depth_of(statements, tree_depth_max + 1) > tree_depth_max) {
    return at(make_error(ErrorCode::invalid_argument, "an expression nested more than {} deep",
                         expression_depth_max),
              0, text.size());
  }
  syntax.root_ = statements[0]["stmt"];
  shift_places(syntax.root_, static_cast<std::int64_t>(before.size()));
  syntax.complete_integers(syntax.root_);
  return syntax;
}

Result<Syntax> Syntax::of_expression(std::string_view text) {
  Syntax syntax = TRY(parse(text, select_head, ""));
  const SyntaxNode select(syntax.root_);
  const auto whole = [&](const char* message) {
    return at(make_error(ErrorCode::invalid_argument, "{}", message), 0, text.size());
  };
  if (select.kind != "SelectStmt") return whole("an expression is expected");
  for (const auto& [field, value] : select.body->items()) {
    if (field == "targetList" || field == "limitOption" || field == "op") continue;
    return whole("one expression is expected, not a query: no FROM, WHERE, ORDER BY or the like");
  }
  const std::vector<const Tree*> targets = select.list("targetList");
  if (targets.empty()) return whole("an expression is expected, not nothing");
  if (targets.size() > 1) return whole("one expression is expected, not a list");
  const SyntaxNode target(*targets.front());
  if (target.has("name")) {
    return whole("an expression has no name of its own: leave out AS and what follows");
  }
  Tree value = target["val"];
  syntax.root_ = std::move(value);
  return syntax;
}

Result<Syntax> Syntax::of_order(std::string_view text) {
  Syntax syntax = TRY(parse(text, order_head, ""));
  const SyntaxNode select(syntax.root_);
  const auto whole = [&](const char* message) {
    return at(make_error(ErrorCode::invalid_argument, "{}", message), 0, text.size());
  };
  for (const auto& [field, value] : select.body->items()) {
    if (field == "targetList" || field == "sortClause" || field == "limitOption" || field == "op") {
      continue;
    }
    return whole("one sort term is expected: an expression, then ASC or DESC, NULLS FIRST or LAST");
  }
  const std::vector<const Tree*> terms = select.list("sortClause");
  if (terms.size() != 1) return whole("one sort term is expected, not a list");
  Tree term = *terms.front();
  syntax.root_ = std::move(term);
  return syntax;
}

std::size_t Syntax::token_end(std::size_t offset) const {
  std::size_t end = offset;
  if (end >= text_.size()) return text_.size();
  const char first = text_[end];
  if (first == '\'' || first == '"') {
    for (++end; end < text_.size(); ++end) {
      if (text_[end] != first) continue;
      if (end + 1 < text_.size() && text_[end + 1] == first) {
        ++end;
      } else {
        return end + 1;
      }
    }
    return end;
  }
  if (first == '-' || first == '+') {
    ++end;
    while (end < text_.size() && text_[end] == ' ') ++end;
  }
  const bool number =
      end < text_.size() && ((text_[end] >= '0' && text_[end] <= '9') || text_[end] == '.');
  while (end < text_.size() && (is_name_letter(text_[end]) || (number && text_[end] == '.'))) ++end;
  return std::max(end, offset + 1);
}

TextSpan Syntax::span_of(const Tree& tree) const {
  std::size_t first = std::numeric_limits<std::size_t>::max(), last = 0;
  each_place(tree, [&](std::size_t place) {
    first = std::min(first, place);
    last = std::max(last, place);
  });
  if (first > text_.size()) return {0, text_.size()};
  std::size_t end = token_end(last);
  // A call without arguments has no place of its own, only its name's.
  if (const std::size_t next = text_.find_first_not_of(" \t\n", end);
      next != std::string::npos && text_[next] == '(' && is_name_letter(text_[last])) {
    end = next + 1;
  }
  // A bracket has no place of its own.
  int open = 0;
  for (std::size_t i = first; i < end; ++i)
    open += text_[i] == '(' ? 1 : (text_[i] == ')' ? -1 : 0);
  while (open > 0) {
    const std::size_t next = text_.find_first_of("()", end);
    if (next == std::string::npos) break;
    open += text_[next] == '(' ? 1 : -1;
    end = next + 1;
  }
  return {first, end - first};
}

/// The parser's tree leaves out the value of integers below one: reads it from the text.
void Syntax::complete_integers(Tree& tree) const {
  if (tree.is_object() && tree.contains("ival") && tree["ival"].is_object() &&
      tree["ival"].empty()) {
    const std::int64_t place = tree.value("location", std::int64_t{0});
    if (place < 0) return;  // made by the parser, not written
    auto at = static_cast<std::size_t>(place);
    bool negative = false;
    for (; at < text_.size() && (text_[at] < '0' || text_[at] > '9'); ++at) {
      negative = negative != (text_[at] == '-');
    }
    std::int64_t value = 0;
    std::from_chars(text_.data() + at, text_.data() + text_.size(), value);
    tree["ival"]["ival"] = negative ? -value : value;
    return;
  }
  if (!tree.is_structured()) return;
  for (Tree& child : tree) complete_integers(child);
}

bool Syntax::is_quoted(std::size_t offset) const {
  return offset < text_.size() && text_[offset] == '"';
}

std::string_view Syntax::spelling(std::size_t offset) const {
  return std::string_view(text_).substr(offset, token_end(offset) - offset);
}

Error Syntax::error(ErrorCode code, std::string message, const Tree& tree, std::string hint) const {
  Error error{code, std::move(message), std::move(hint)};
  error.span = span_of(tree);
  return error;
}

Error Syntax::unknown_column(const std::string& name, const Tree& tree,
                             const std::vector<std::string>& columns) const {
  Error error =
      troupe::unknown_column(fmt::format("column \"{}\" does not exist", name), name, columns);
  error.span = span_of(tree);
  return error;
}

std::vector<std::string> name_parts(const std::vector<const Tree*>& names) {
  std::vector<std::string> parts;
  for (const Tree* name : names) {
    const SyntaxNode node(*name);
    parts.push_back(node.kind == "String" ? node.word("sval") : std::string("*"));
  }
  return parts;
}

Tree without_places(const Tree& tree) {
  if (tree.is_array()) {
    Tree list = Tree::array();
    for (const Tree& child : tree) list.push_back(without_places(child));
    return list;
  }
  if (!tree.is_object()) return tree;
  Tree object = Tree::object();
  for (const auto& [key, child] : tree.items()) {
    if (key != "location") object[key] = without_places(child);
  }
  return object;
}

}  // namespace troupe
