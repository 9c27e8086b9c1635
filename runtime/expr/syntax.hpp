#pragma once

#include "runtime/base/json.hpp"
#include "runtime/base/result.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace troupe {

/// Texts are bounded before the parser sees them, for it recurses into nested ones.
inline constexpr std::size_t expression_bytes_max = 64 * 1024;
inline constexpr int expression_depth_max = 200;
/// Chains such as a+b+c nest, too; more of them could overflow the parser's own stack.
inline constexpr std::size_t expression_operators_max = 4000;

/// A parse tree as the parser writes it. It is not the ordered JSON of configurations: that copies
/// subtrees whenever an object grows, which takes minutes for a deep tree.
using Tree = nlohmann::json;

/// One node of a parse tree: {"A_Expr": {...}} is kind "A_Expr" and its body.
struct SyntaxNode {
  std::string_view kind;
  const Tree* body = nullptr;

  explicit SyntaxNode(const Tree& tree);

  bool has(const char* field) const { return body->contains(field); }
  const Tree& operator[](const char* field) const;
  /// A list field; empty if it is absent.
  std::vector<const Tree*> list(const char* field) const;
  std::string word(const char* field) const;
  std::int64_t integer(const char* field, std::int64_t absent) const;
};

/// A parsed text with the trees in it.
class Syntax {
 public:
  /// One expression: the grammar of one item of a SELECT list, without a name.
  static Result<Syntax> of_expression(std::string_view text);
  /// One term of ORDER BY; the root is a SortBy node.
  static Result<Syntax> of_order(std::string_view text);

  const std::string& text() const { return text_; }
  const Tree& root() const { return root_; }

  /// The place of a tree in the text: from its first token to the end of its last.
  TextSpan span_of(const Tree& tree) const;
  /// Whether the name at a place is written in double quotes, and its spelling.
  bool is_quoted(std::size_t offset) const;
  std::string_view spelling(std::size_t offset) const;

  Error error(ErrorCode code, std::string message, const Tree& tree, std::string hint = {}) const;
  /// At the place of `tree`: `name` is none of `columns`.
  Error unknown_column(const std::string& name, const Tree& tree,
                       const std::vector<std::string>& columns) const;

 private:
  static Result<Syntax> parse(std::string_view text, std::string_view before,
                              std::string_view after);
  std::size_t token_end(std::size_t offset) const;
  void complete_integers(Tree& tree) const;

  std::string text_;
  Tree root_;
};

/// The parts of a (qualified) name: [{"String": {"sval": "a"}}, ...].
std::vector<std::string> name_parts(const std::vector<const Tree*>& names);
/// A tree without its places: equal for texts that mean the same.
Tree without_places(const Tree& tree);

}  // namespace troupe
