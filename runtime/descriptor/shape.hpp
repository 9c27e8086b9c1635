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

/// What later stages need of the text: where values stand, and what was pasted into them.
struct ShapedJob {
  JobFile job;
  const YamlNode* dataflow = nullptr;
  /// By path ("late.with.where"): scalars that had `${{ }}` in them.
  std::map<std::string, Template> templates;
  /// Vertices with a mistake of their own: what they need is not known, so later stages leave them
  /// and what reads from them alone.
  std::set<std::string> broken;
  /// Some `from` could not be read: who reads whom is not wholly known.
  bool inputs_unknown = false;
};

/// Stage 2. Checks keys and values of the whole file, fills in parameters. `root` must outlive the
/// result. Nothing where the file is no descriptor that this version knows.
std::optional<ShapedJob> shape_job(const YamlNode& root, const SourceText& source,
                                   const OperatorRegistry& registry, const CheckOptions& options,
                                   Diagnostics& diagnostics);

}  // namespace troupe
