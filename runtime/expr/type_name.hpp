#pragma once

#include "runtime/expr/syntax.hpp"
#include "runtime/functions/node.hpp"
#include "runtime/values/interval_text.hpp"

namespace troupe {

/// The target of a CAST as it is written: numeric(10,2), varchar(20), interval day.
struct TypeName {
  SqlType type;         ///< numeric without digits has precision 0
  int characters = -1;  ///< varchar(n): longer texts are cut
  IntervalModifier interval = {};
};

Result<TypeName> type_of_name(const Syntax& syntax, const Tree& type_name);

/// CAST(node AS target)
Result<NodePtr> convert_to(const NodePtr& node, const TypeName& target, TextSpan span);

}  // namespace troupe
