#pragma once

#include "runtime/functions/node.hpp"

#include <string_view>

namespace troupe {

/// `left <name> right`, resolved as PostgreSQL does; "operator does not exist: text + integer" if
/// it has none.
Result<NodePtr> bind_operator(std::string_view name, NodePtr left, NodePtr right, TextSpan span);
/// -x, +x
Result<NodePtr> bind_sign(std::string_view name, const NodePtr& operand, TextSpan span);

/// IS [NOT] DISTINCT FROM
Result<NodePtr> bind_distinct(bool is_distinct, NodePtr left, NodePtr right, TextSpan span);
Result<NodePtr> bind_null_if(NodePtr left, NodePtr right, TextSpan span);

/// One type for all of them (CASE, COALESCE, IN, GREATEST); `what` names them in the error.
Result<std::vector<NodePtr>> unify(std::vector<NodePtr> nodes, const char* what);

/// The node, if it is a boolean; else an error that names its place ("argument of WHERE").
Result<NodePtr> as_boolean(const NodePtr& node, std::string_view where);

NodePtr bind_not(const NodePtr& operand, TextSpan span);

}  // namespace troupe
