#pragma once

#include "runtime/functions/node.hpp"

namespace troupe {

/// `text [NOT] [I]LIKE pattern`. A constant pattern is prepared once.
Result<NodePtr> bind_like(const NodePtr& text, const NodePtr& pattern, const NodePtr& escape,
                          bool negated, bool ignore_case, TextSpan span);

/// `text ~ pattern` and its relatives; the pattern is a constant in RE2's syntax, which matches in
/// linear time whatever the pattern.
Result<NodePtr> bind_regex(const NodePtr& text, const NodePtr& pattern, bool negated,
                           bool ignore_case, TextSpan span);

/// The pattern for RE2 with the meaning of PostgreSQL's: a point is any character.
std::string regex_of(std::string_view pattern, bool ignore_case);

/// Whether `text` matches a LIKE pattern with this escape character ("" for none).
Result<bool> matches_like(std::string_view text, std::string_view pattern, std::string_view escape);

}  // namespace troupe
