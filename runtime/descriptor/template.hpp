#pragma once

#include "runtime/base/result.hpp"
#include "runtime/descriptor/value.hpp"

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace troupe {

/// The names that `${{ }}` may use: "params.top", "job.name".
using Names = std::map<std::string, Value>;

/// The value of one expression, the text between `${{` and `}}`. The language is total: paths,
/// literals, comparison, and, or, not, +, if(c, a, b) and a few functions; no loops, nothing from
/// outside. Errors have their span in `text`; an unknown name is `not_found`.
Result<Value> evaluate(std::string_view text, const Names& names);

/// A text with expressions, after they were filled in.
struct Template {
  /// A literal part, or the result of an expression.
  struct Piece {
    std::size_t from = 0;  ///< offset in the text as written: of the literal, or of the `${{`
    std::size_t size = 0;  ///< as written
    std::size_t at = 0;    ///< in the result
    std::size_t made = 0;  ///< bytes in the result
    bool computed = false;
  };

  std::string text;
  std::vector<Piece> pieces;
  /// Set if the whole text is one expression: its value keeps its type.
  std::optional<Value> only = {};

  /// The part of the text as written that byte `at` of the result comes from; the whole `${{ }}` if
  /// an expression made the byte.
  struct Origin {
    std::size_t begin = 0;
    std::size_t end = 0;
  };
  Origin origin(std::size_t at) const;
};

enum class PasteAs { text, sql };

/// Replaces every `${{ }}` by its value: as it is, or as an SQL literal. `$${{` stands for `${{`.
/// Errors have their span in `text`.
Result<Template> expand(std::string_view text, const Names& names, PasteAs paste);
bool has_template(std::string_view text);
/// True if an expression of the text contains the name, but not as a part of a longer one.
bool mentions(std::string_view text, const std::string& name);

inline constexpr std::size_t template_bytes_max = 1 << 20;
inline constexpr int template_depth_max = 32;

}  // namespace troupe
