#pragma once

#include "runtime/descriptor/check_job.hpp"
#include "runtime/descriptor/diagnostic.hpp"
#include "runtime/descriptor/job_file.hpp"
#include "runtime/descriptor/template.hpp"
#include "runtime/descriptor/yaml_node.hpp"

#include <map>
#include <set>
#include <string>

namespace troupe {

class OperatorRegistry;

/// What later stages need of the text: the places of values, and what was pasted into them.
struct ShapedJob {
  JobFile job;
  const YamlNode* dataflow = nullptr;
  /// Scalars that had `${{ }}` in them, by path ("late.with.where").
  std::map<std::string, Template> templates;
  /// Vertices with a mistake of their own. Later stages do not check them, nor vertices that read
  /// from them: too little is known of them.
  std::set<std::string> broken;
  /// Some `from` could not be read, so not all inputs are known.
  bool inputs_unknown = false;
};

/// Stage 2. Checks keys and values of the whole file, fills in parameters. `root` must outlive the
/// result. Nothing if the file is no descriptor of this version.
std::optional<ShapedJob> shape_job(const YamlNode& root, const SourceText& source,
                                   const OperatorRegistry& registry, const CheckOptions& options,
                                   Diagnostics& diagnostics);

}  // namespace troupe
