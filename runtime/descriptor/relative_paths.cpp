#include "runtime/descriptor/relative_paths.hpp"

#include "runtime/base/json.hpp"
#include "runtime/operator/operator_kind.hpp"

namespace troupe {

std::vector<RelativePath> relative_paths(JobGraph& graph, const OperatorRegistry& registry,
                                         const std::string& directory) {
  std::vector<RelativePath> found;
  for (JobVertex& vertex : graph.vertices) {
    const OperatorKind* kind = registry.find(vertex.op);
    if (kind == nullptr || !vertex.with || !vertex.with->is_object()) continue;
    for (const Parameter& parameter : kind->description().parameters) {
      const auto value = vertex.with->find(parameter.name);
      if (parameter.type != ParameterType::path || value == vertex.with->end()) continue;
      if (!value->is_string()) continue;
      const std::string path = value->get<std::string>();
      if (path.empty() || path[0] == '/' || path.find("://") != std::string::npos) continue;
      const std::string taken = directory.empty() ? path : directory + "/" + path;
      if (!directory.empty()) {
        auto with = std::make_shared<Json>(*vertex.with);
        (*with)[parameter.name] = taken;
        vertex.with = std::move(with);
      }
      found.push_back({vertex.id, parameter.name, path, taken});
    }
  }
  return found;
}

}  // namespace troupe
