#pragma once

#include "runtime/base/json_fwd.hpp"
#include "runtime/base/result.hpp"
#include "runtime/graph/task_graph.hpp"

#include <string>
#include <string_view>

namespace troupe {

/// How deep `explain` looks.
enum class ExplainLevel {
  descriptor,  ///< the operators as written
  plan,        ///< schemas, estimates, what sources read, the phases and exchanges of each operator
  tasks,       ///< the stages of a target: chains, subtasks, regions, what is kept on disk
};

/// The words of the command line: "descriptor", "plan", "tasks".
Result<ExplainLevel> parse_explain_level(std::string_view word);

/// Explains a job without running it. This is the form with `-o json`; the other two are drawn from
/// it. `descriptor` works on any graph, the others on a bound one; they may block as `bind` does.
Result<Json> explain(const JobGraph& graph, const OperatorRegistry& registry,
                     const PlanTarget& target, ExplainLevel level);
/// For a terminal.
std::string explain_text(const Json& explained);
/// For Graphviz.
std::string explain_dot(const Json& explained);

}  // namespace troupe
