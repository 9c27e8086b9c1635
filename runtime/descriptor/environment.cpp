#include "runtime/descriptor/environment.hpp"

#include "runtime/base/json.hpp"
#include "runtime/ops/operator_kind.hpp"
#include "runtime/os/file_system.hpp"

#include <cerrno>
#include <cstring>
#include <unistd.h>

namespace troupe {
namespace {

std::string parent(const std::string& path) {
  const std::size_t end = path.find_last_not_of('/');
  if (end == std::string::npos) return "/";
  const std::size_t slash = path.rfind('/', end);
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

/// The directory in which the first missing part of `path` would be made.
Result<> writable(const std::string& path) {
  FileSystem& files = system_files();
  std::string at = parent(path);
  while (!files.exists(at) && at != "/" && at != ".") at = parent(at);
  if (!files.is_directory(at)) {
    return fail(ErrorCode::invalid_argument, "'{}' cannot be written: '{}' is no directory", path,
                at);
  }
  if (::access(at.c_str(), W_OK | X_OK) != 0) {
    return fail(ErrorCode::unavailable, "'{}' cannot be written: '{}': {}", path, at,
                std::strerror(errno));
  }
  return {};
}

}  // namespace

std::vector<Error> check_outputs(const JobGraph& graph, const OperatorRegistry& registry) {
  std::vector<Error> errors;
  for (const JobVertex& vertex : graph.vertices) {
    const OperatorKind* kind = registry.find(vertex.op);
    if (!kind || kind->description().role != OperatorRole::sink) continue;
    for (const Parameter& parameter : kind->description().parameters) {
      const auto value = vertex.with->find(parameter.name);
      if (parameter.type != ParameterType::path || value == vertex.with->end()) continue;
      const auto& path = value->get_ref<const std::string&>();
      if (path.find("://") != std::string::npos) continue;
      const Result<> checked = writable(path);
      if (!checked) errors.push_back(checked.error().at(vertex.id + ".with." + parameter.name));
    }
  }
  return errors;
}

}  // namespace troupe
