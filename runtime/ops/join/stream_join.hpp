#pragma once

#include "runtime/expr/expression.hpp"
#include "runtime/operator/flow.hpp"
#include "runtime/operator/operator.hpp"
#include "runtime/operator/state_table.hpp"
#include "runtime/ops/join/join_plan.hpp"
#include "runtime/ops/join/join_spec.hpp"

#include <array>
#include <cstdint>
#include <memory>
#include <optional>

namespace troupe {

/// Which times the right rows have that a left row meets: the bounds are part of the span.
struct JoinInterval {
  Expression from, to;          ///< timestamps over the columns of the left input
  std::int64_t reach_back = 0;  ///< so much earlier than the left row's time may `from` be
};

/// A join of two streams that goes on as long as they do: a row of one side meets those that the
/// other one has had so far, and waits for those that will come. Immutable, shared.
///
/// Each side is a state table: its columns, keys included; its event time, where rows that leave
/// have one; of an interval its bounds on the left side, and on the right one until when a row may
/// be needed; its weight. Only an interval lets rows expire.
struct StreamJoinSpec {
  struct Side {
    SchemaPtr columns;
    std::vector<int> keys;
    Flow flow;
    std::shared_ptr<const StateTable> table;
  };

  std::shared_ptr<const JoinSpec> join;
  std::array<Side, 2> sides;
  std::optional<JoinInterval> interval;
  Flow flow;         ///< of what leaves
  SchemaPtr output;  ///< likewise, hidden columns included

  static Result<std::shared_ptr<const StreamJoinSpec>> make(std::shared_ptr<const JoinSpec> join,
                                                            const std::array<JoinSide, 2>& sides,
                                                            const std::array<Flow, 2>& flows,
                                                            std::optional<JoinInterval> interval);
};

Result<std::unique_ptr<Operator>> make_stream_join(std::shared_ptr<const StreamJoinSpec> spec);

/// The last phase of a join of two streams: by window where one of the keys is a column of windows
/// on both sides.
Result<Phase> stream_join_phase(std::shared_ptr<const JoinSpec> join,
                                const std::array<JoinSide, 2>& sides,
                                const std::array<PlanInput, 2>& inputs,
                                const std::vector<JoinKeyPair>& pairs,
                                std::optional<JoinInterval> interval);

}  // namespace troupe
