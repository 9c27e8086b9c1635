#pragma once

#include "runtime/descriptor/diagnostic.hpp"
#include "runtime/descriptor/job_file.hpp"
#include "runtime/descriptor/template.hpp"
#include "runtime/descriptor/yaml_node.hpp"

#include <map>
#include <set>
#include <string>
#include <vector>

namespace troupe {

/// The parameters of a job and what `${{ }}` may name.
struct ShapedParameters {
  std::vector<ParameterDeclaration> declarations;
  Names names;
  /// Names ("params.x") that have a mistake of their own: a use of them is not told again.
  std::set<std::string> broken;
};

/// Reads `params:` (null: there is none) and what the caller gave.
ShapedParameters shape_parameters(const YamlEntry* params,
                                  const std::map<std::string, std::string>& given,
                                  Diagnostics& diagnostics);

}  // namespace troupe
