#include "runtime/descriptor/template.hpp"

#include <algorithm>
#include <cctype>
#include <utility>

namespace troupe {
namespace {

constexpr std::string_view opening = "${{";
constexpr std::string_view closing = "}}";

/// The end of an expression: a "}}" outside of quotes.
std::size_t find_closing(std::string_view text, std::size_t at) {
  char quote = 0;
  for (; at < text.size(); ++at) {
    if (quote) {
      if (text[at] == quote) quote = 0;
    } else if (text[at] == '\'' || text[at] == '"') {
      quote = text[at];
    } else if (text.substr(at, closing.size()) == closing) {
      return at;
    }
  }
  return std::string_view::npos;
}

/// "$${{" is the text "${{".
bool escaped(std::string_view text, std::size_t at) { return at > 0 && text[at - 1] == '$'; }

/// True if `name` stands in the text, but not as a part of a longer one.
bool contains_name(std::string_view text, const std::string& name) {
  const auto continues = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '-';
  };
  for (auto at = text.find(name); at != std::string_view::npos; at = text.find(name, at + 1)) {
    const std::size_t end = at + name.size();
    const bool begins = at == 0 || !(continues(text[at - 1]) || text[at - 1] == '.');
    if (begins && (end == text.size() || !continues(text[end]))) return true;
  }
  return false;
}

class Expander {
 public:
  Expander(std::string_view text, const Names& names, PasteAs paste)
      : text_(text), names_(names), paste_(paste) {}

  Result<Template> run() {
    std::size_t at = 0;
    while (at < text_.size()) {
      const std::size_t next = text_.find(opening, at);
      if (next == std::string_view::npos) break;
      if (escaped(text_, next)) {
        literal(at, next - 1);
        made_.pieces.push_back({next - 1, opening.size() + 1, made_.text.size(), opening.size()});
        made_.text += opening;
        at = next + opening.size();
        continue;
      }
      literal(at, next);
      at = TRY(computed(next));
    }
    literal(at, text_.size());
    return std::move(made_);
  }

 private:
  void literal(std::size_t from, std::size_t end) {
    if (from >= end) return;
    made_.pieces.push_back({from, end - from, made_.text.size(), end - from});
    made_.text += text_.substr(from, end - from);
  }

  Result<std::size_t> computed(std::size_t start) {
    const std::size_t inner = start + opening.size();
    const std::size_t end = find_closing(text_, inner);
    if (end == std::string_view::npos) {
      Error error = make_error(ErrorCode::invalid_argument, "'${{{{' without its '}}}}'");
      error.span = TextSpan{start, opening.size()};
      return error;
    }
    const std::size_t after = end + closing.size();
    Result<Value> value = evaluate(text_.substr(inner, end - inner), names_);
    if (!value) {
      Error error = value.error();
      if (error.span) error.span->offset += inner;
      return error;
    }
    const std::string pasted = paste_ == PasteAs::sql ? to_sql(*value) : to_text(*value);
    if (made_.text.size() + pasted.size() > template_bytes_max) {
      return make_error(ErrorCode::invalid_argument, "the text grows beyond {} bytes",
                        template_bytes_max);
    }
    made_.pieces.push_back({start, after - start, made_.text.size(), pasted.size(), true});
    made_.text += pasted;
    if (start == 0 && after == text_.size()) made_.only = *std::move(value);
    return after;
  }

  std::string_view text_;
  const Names& names_;
  PasteAs paste_;
  Template made_;
};

}  // namespace

Template::Origin Template::origin(std::size_t at) const {
  for (const Piece& piece : pieces) {
    if (at < piece.at || at >= piece.at + piece.made) continue;
    if (piece.computed || piece.made != piece.size) return {piece.from, piece.from + piece.size};
    return {piece.from + at - piece.at, piece.from + at - piece.at + 1};
  }
  const std::size_t end = pieces.empty() ? 0 : pieces.back().from + pieces.back().size;
  return {end, end};
}

bool has_template(std::string_view text) { return text.find(opening) != std::string_view::npos; }

bool mentions(std::string_view text, const std::string& name) {
  for (std::size_t at = text.find(opening); at != std::string_view::npos;
       at = text.find(opening, at)) {
    const std::size_t inner = at + opening.size();
    const std::size_t end = std::min(find_closing(text, inner), text.size());
    if (!escaped(text, at) && contains_name(text.substr(inner, end - inner), name)) return true;
    at = escaped(text, at) ? inner : end;
  }
  return false;
}

Result<Template> expand(std::string_view text, const Names& names, PasteAs paste) {
  return Expander(text, names, paste).run();
}

}  // namespace troupe
