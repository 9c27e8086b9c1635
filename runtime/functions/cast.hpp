#pragma once

#include "runtime/functions/node.hpp"

namespace troupe {

/// `node` as a value of type `to`, if PostgreSQL converts without a CAST, else an error. A literal
/// of unknown type is read as `to` at once.
Result<NodePtr> cast_implicitly(const NodePtr& node, const SqlType& to);

/// CAST(node AS to). A numeric without digits (precision 0) takes the digits its argument has; of a
/// float or a text 15 behind the point.
Result<NodePtr> cast_explicitly(const NodePtr& node, SqlType to, TextSpan span);

/// `call`, which makes a value out of `literal`. A literal of unknown type that is no value of the
/// type is a mistake in the text, not in the rows: an error at once.
Result<NodePtr> read_literal(const NodePtr& call, const NodePtr& literal);

/// The text that concat() makes of a value of any type: as CAST, but a boolean is 't' or 'f'.
Result<NodePtr> output_text(const NodePtr& node);

inline constexpr int float_numeric_scale = 15;

}  // namespace troupe
