#pragma once

#include "runtime/descriptor/diagnostic.hpp"
#include "runtime/descriptor/job_file.hpp"
#include "runtime/descriptor/yaml_node.hpp"

#include <optional>
#include <vector>

namespace troupe {

class OperatorRegistry;

/// Reads `tests:`.
std::vector<JobTest> shape_tests(const YamlNode& tests, const SourceText& source,
                                 const std::vector<ParameterDeclaration>& parameters,
                                 Diagnostics& diagnostics);

/// Stage 3 of tests: checks that they name operators that have an output.
void check_tests(const YamlNode& tests, const JobGraph& graph, const OperatorRegistry& registry,
                 Diagnostics& diagnostics);

}  // namespace troupe
