#pragma once

#include "runtime/descriptor/diagnostic.hpp"
#include "runtime/graph/job_graph.hpp"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace troupe {

class OperatorRegistry;

/// What became of a descriptor that a client sent: a graph ready to run, or its mistakes.
struct CompiledDescriptor {
  std::optional<JobGraph> graph;
  std::vector<Diagnostic> mistakes;
  /// What is no mistake, and yet worth telling.
  std::vector<std::string> notes;
};

/// Checks a descriptor in all five stages on this node, which is where its files must be readable.
/// Blocks.
CompiledDescriptor compile(const std::string& file, const std::string& text,
                           const std::map<std::string, std::string>& parameters,
                           const OperatorRegistry& registry);

}  // namespace troupe
