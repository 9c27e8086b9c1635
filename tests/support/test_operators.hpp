#pragma once

#include "runtime/operator/operator_kind.hpp"

/// Operators that plan and never run, to test what stands between operators: `test.read` (any
/// columns, all int64), `test.pass`, `test.pick`, `test.group` (two phases), `test.sort` (gather),
/// `test.join` (renames clashing columns), `test.early_join` (can hold its probe side),
/// `test.unite`, `test.write`.
namespace troupe::test_operators {

void register_all(OperatorRegistry& registry);

/// All of them.
const OperatorRegistry& registry();

}  // namespace troupe::test_operators
