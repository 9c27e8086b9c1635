#pragma once

#include "runtime/descriptor/diagnostic.hpp"
#include "runtime/descriptor/job_file.hpp"
#include "runtime/descriptor/template.hpp"
#include "runtime/descriptor/yaml_node.hpp"

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace troupe {

/// The parameters of a job, and the names that `${{ }}` may use.
struct ShapedParameters {
  std::vector<ParameterDeclaration> declarations;
  Names names;
  /// Names ("params.x") with a mistake of their own: their uses are not reported again.
  std::set<std::string> broken;
  /// Names without a value, if that is no mistake.
  std::set<std::string> open;
};

/// Reads `params:` (null: there is none) and the values that the caller gave. `may_be_open`: see
/// `CheckOptions::open_parameters`.
ShapedParameters shape_parameters(const YamlEntry* params,
                                  const std::map<std::string, std::string>& given, bool may_be_open,
                                  Diagnostics& diagnostics);

}  // namespace troupe
