#include "runtime/descriptor/environment.hpp"

#include "runtime/base/json.hpp"
#include "runtime/graph/bound_graph.hpp"
#include "runtime/operator/operator_kind.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <linux/magic.h>
#include <sys/vfs.h>
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

/// True for file systems that are views of the kernel: no file can be made there, whatever rights a
/// directory has.
bool holds_no_files(const std::string& directory) {
  constexpr std::array<unsigned long, 12> kinds = {
      PROC_SUPER_MAGIC,   SYSFS_MAGIC,    CGROUP_SUPER_MAGIC, CGROUP2_SUPER_MAGIC,
      DEBUGFS_MAGIC,      TRACEFS_MAGIC,  SECURITYFS_MAGIC,   BPF_FS_MAGIC,
      DEVPTS_SUPER_MAGIC, PSTOREFS_MAGIC, EFIVARFS_MAGIC,     SELINUX_MAGIC};
  struct statfs about = {};
  if (::statfs(directory.c_str(), &about) != 0) return false;
  return std::ranges::any_of(
      kinds, [&](unsigned long kind) { return static_cast<unsigned long>(about.f_type) == kind; });
}

/// Checks the directory in which the first missing part of `path` would be made.
Result<> writable(FileSystem& files, const std::string& named) {
  const std::string path = TRY(files.follow_links(named));
  std::string at = parent(path);
  while (!files.exists(at) && at != "/" && at != ".") at = parent(at);
  if (!files.is_directory(at)) {
    return make_error(ErrorCode::invalid_argument, "'{}' cannot be written: '{}' is no directory",
                      path, at);
  }
  if (holds_no_files(at)) {
    return make_error(ErrorCode::invalid_argument,
                      "'{}' cannot be written: '{}' is a view of the system "
                      "and holds no files",
                      path, at);
  }
  if (::access(at.c_str(), W_OK | X_OK) != 0) {
    return make_error(ErrorCode::unavailable, "'{}' cannot be written: '{}': {}", path, at,
                      std::strerror(errno));
  }
  return {};
}

}  // namespace

namespace {

/// What the paths of sinks say, before anything is planned.
void check_paths(const JobVertex& vertex, const OperatorKind& kind, FileSystem& files,
                 std::vector<Error>& errors) {
  for (const Parameter& parameter : kind.description().parameters) {
    const auto value = vertex.with->find(parameter.name);
    if (parameter.type != ParameterType::path || value == vertex.with->end()) continue;
    const auto& path = value->get_ref<const std::string&>();
    if (path.find("://") != std::string::npos) continue;
    const Result<> checked = writable(files, path);
    if (!checked) errors.push_back(checked.error().at(vertex.id + ".with." + parameter.name));
  }
}

Result<> check_sink(const OperatorPlan& plan) {
  const auto sink = TRY(plan.phases.back().make_sink());
  return sink->check();
}

}  // namespace

std::vector<Error> check_outputs(const JobGraph& graph, const OperatorRegistry& registry) {
  std::vector<Error> errors;
  for (const JobVertex& vertex : graph.vertices) {
    const OperatorKind* kind = registry.find(vertex.op);
    if (!kind || kind->description().role != OperatorRole::sink) continue;
    check_paths(vertex, *kind, registry.files(), errors);
  }
  return errors;
}

std::vector<Error> check_sinks(const JobGraph& graph, const OperatorRegistry& registry) {
  std::vector<Error> errors;
  const BoundGraph bound = plan_vertices(graph, registry, 1);
  for (std::size_t i = 0; i < graph.vertices.size(); ++i) {
    if (!bound.plans[i] || !bound.plans[i]->phases.back().make_sink) continue;
    const Result<> checked = check_sink(*bound.plans[i]);
    if (!checked) errors.push_back(checked.error().at(graph.vertices[i].id + ".with"));
  }
  return errors;
}

}  // namespace troupe
