#include "runtime/functions/pattern.hpp"

#include "runtime/functions/arrow_call.hpp"
#include "runtime/functions/cast.hpp"
#include "runtime/values/text.hpp"

#include <arrow/compute/api.h>

#include <algorithm>

namespace troupe {

namespace {

/// A parsed LIKE pattern: the literal pieces between its `%`. A piece holds bytes and, if the
/// pattern has `_`, places that take any one character.
class LikePattern {
 public:
  static Result<LikePattern> parse(std::string_view pattern, std::string_view escape) {
    LikePattern result;
    result.pieces_.emplace_back();
    for (std::size_t i = 0; i < pattern.size(); ++i) {
      const bool escaped = !escape.empty() && pattern.substr(i).starts_with(escape);
      if (escaped) {
        i += escape.size();
        if (i >= pattern.size()) {
          return make_error(ErrorCode::invalid_argument,
                            "LIKE pattern must not end with escape character");
        }
      }
      if (!escaped && pattern[i] == '%') {
        result.pieces_.emplace_back();
      } else if (!escaped && pattern[i] == '_') {
        result.pieces_.back().any.push_back(result.pieces_.back().bytes.size());
        result.pieces_.back().bytes += '_';
      } else {
        result.pieces_.back().bytes += pattern[i];
      }
    }
    return result;
  }

  bool matches(std::string_view text) const {
    const Piece& head = pieces_.front();
    const std::size_t begin = head.match(text);
    if (begin == npos) return false;
    if (pieces_.size() == 1) return begin == text.size();
    text.remove_prefix(begin);
    for (std::size_t i = 1; i + 1 < pieces_.size(); ++i) {
      const std::size_t end = pieces_[i].find(text);
      if (end == npos) return false;
      text.remove_prefix(end);
    }
    return pieces_.back().ends(text);
  }

 private:
  static constexpr std::size_t npos = std::string_view::npos;

  struct Piece {
    std::string bytes;
    std::vector<std::size_t> any;

    /// The end of the piece in `text`, if it matches at the begin; else npos.
    std::size_t match(std::string_view text) const {
      if (any.empty()) return text.starts_with(bytes) ? bytes.size() : npos;
      std::size_t at = 0, next_any = 0;
      for (std::size_t i = 0; i < bytes.size(); ++i) {
        if (at >= text.size()) return npos;
        if (next_any < any.size() && any[next_any] == i) {
          at += character_bytes(text, at);
          ++next_any;
        } else if (text[at++] != bytes[i]) {
          return npos;
        }
      }
      return at;
    }

    /// The end of its first match anywhere in `text`.
    std::size_t find(std::string_view text) const {
      if (any.empty()) {
        const std::size_t at = text.find(bytes);
        return at == npos ? npos : at + bytes.size();
      }
      for (std::size_t at = 0; at <= text.size(); at += character_bytes(text, at)) {
        const std::size_t end = match(text.substr(at));
        if (end != npos) return at + end;
        if (at == text.size()) break;
      }
      return npos;
    }

    bool ends(std::string_view text) const {
      if (any.empty()) return text.ends_with(bytes);
      const std::size_t wanted = text_length(bytes), given = text_length(text);
      if (given < wanted) return false;
      const std::string_view tail = text.substr(text_offset(text, given - wanted));
      return match(tail) == tail.size();
    }
  };

  std::vector<Piece> pieces_;
};

Kernel like_kernel(std::string pattern_escape) {
  return [escape = std::move(pattern_escape)](const std::vector<Vector>& arguments,
                                              std::int64_t rows) -> Result<Vector> {
    return strict<bool, std::string_view, std::string_view>(
        sql(SqlKind::boolean), [&escape](std::string_view text, std::string_view pattern) {
          return matches_like(text, pattern, escape);
        })(arguments, rows);
  };
}

std::string_view constant_text(const ConstantNode& constant) {
  return static_cast<const arrow::StringArray&>(*constant.value()).GetView(0);
}

Result<NodePtr> as_text(const NodePtr& node, std::string_view name, const NodePtr& left,
                        const NodePtr& right, TextSpan span) {
  if (casts_implicitly(node->type().kind, SqlKind::text)) {
    return cast_implicitly(node, sql(SqlKind::text));
  }
  Error error = make_error(ErrorCode::invalid_argument, "operator does not exist: {} {} {}",
                           to_string(left->type()), name, to_string(right->type()));
  error.span = span;
  return error;
}

NodePtr lowered(const NodePtr& node, TextSpan span) {
  const Kernel kernel = [](const std::vector<Vector>& arguments, std::int64_t) {
    return call_arrow("utf8_lower", arguments);
  };
  return make_call("lower", sql(SqlKind::text), {node}, kernel, false, span);
}

Result<std::string> escape_of(const NodePtr& escape, TextSpan span) {
  if (!escape) return std::string("\\");
  const ConstantNode* constant = as_constant(escape);
  Error error = make_error(ErrorCode::invalid_argument,
                           "ESCAPE takes one constant character, or '' for none");
  error.span = span;
  if (!constant || constant->is_null()) return error;
  const std::string_view text = constant_text(*constant);
  if (text_length(text) > 1) return error;
  return std::string(text);
}

}  // namespace

std::string regex_of(std::string_view pattern, bool ignore_case) {
  return std::string(ignore_case ? "(?is)" : "(?s)").append(pattern);
}

Result<bool> matches_like(std::string_view text, std::string_view pattern,
                          std::string_view escape) {
  return TRY(LikePattern::parse(pattern, escape)).matches(text);
}

Result<NodePtr> bind_like(const NodePtr& left, const NodePtr& right, const NodePtr& escape,
                          bool negated, bool ignore_case, TextSpan span) {
  const char* name = ignore_case ? (negated ? "!~~*" : "~~*") : (negated ? "!~~" : "~~");
  NodePtr text = TRY(as_text(left, name, left, right, span));
  NodePtr pattern = TRY(as_text(right, name, left, right, span));
  const std::string escape_character = TRY(escape_of(escape, span));
  if (ignore_case) {
    text = lowered(text, span);
    pattern = lowered(pattern, span);
  }
  const SqlType boolean = sql(SqlKind::boolean);
  const ConstantNode* constant = as_constant(pattern);
  if (!constant || constant->is_null()) {
    Kernel kernel = like_kernel(escape_character);
    if (negated) {
      kernel = [inner = kernel](const std::vector<Vector>& arguments,
                                std::int64_t rows) -> Result<Vector> {
        return call_arrow("invert", {TRY(inner(arguments, rows))});
      };
    }
    return make_call(fmt::format("{} escape '{}'", name, escape_character), boolean,
                     {text, pattern}, kernel, true, span);
  }
  Result<LikePattern> ready = LikePattern::parse(constant_text(*constant), escape_character);
  if (!ready) {
    Error error = std::move(ready).error();
    error.span = right->span();
    return error;
  }
  const auto shared = std::make_shared<const LikePattern>(*std::move(ready));
  const Kernel kernel = strict<bool, std::string_view, std::string_view>(
      boolean, [shared, negated](std::string_view value, std::string_view) {
        return shared->matches(value) != negated;
      });
  return make_call(fmt::format("{} escape '{}'", name, escape_character), boolean, {text, pattern},
                   kernel, false, span);
}

Result<NodePtr> bind_regex(const NodePtr& left, const NodePtr& right, bool negated,
                           bool ignore_case, TextSpan span) {
  const char* name = ignore_case ? (negated ? "!~*" : "~*") : (negated ? "!~" : "~");
  const NodePtr text = TRY(as_text(left, name, left, right, span));
  const NodePtr pattern = TRY(as_text(right, name, left, right, span));
  const ConstantNode* constant = as_constant(pattern);
  const SqlType boolean = sql(SqlKind::boolean);
  if (constant && constant->is_null()) return null_constant(boolean, span);
  if (!constant) {
    Error error = make_error(ErrorCode::unsupported, "a regular expression must be a constant");
    error.span = right->span();
    return error;
  }
  const auto options = std::make_shared<const arrow::compute::MatchSubstringOptions>(
      regex_of(constant_text(*constant), ignore_case));
  const Kernel kernel = [options, negated](const std::vector<Vector>& arguments,
                                           std::int64_t) -> Result<Vector> {
    const Vector found = TRY(call_arrow("match_substring_regex", {arguments[0]}, options.get()));
    return negated ? call_arrow("invert", {found}) : found;
  };
  // The pattern is compiled once here, so that a wrong one is a mistake in the text.
  const Vector sample{TRY(spread({constant->value(), true}, 1))};
  if (Result<Vector> tried = kernel({sample}, 1); !tried) {
    Error error = make_error(ErrorCode::invalid_argument, "invalid regular expression: {}",
                             tried.error().message);
    error.span = right->span();
    return error;
  }
  return make_call(name, boolean, {text, pattern}, kernel, false, span);
}

}  // namespace troupe
