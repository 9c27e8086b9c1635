#include "actors/node/compile.hpp"

#include "runtime/base/json.hpp"
#include "runtime/descriptor/check_job.hpp"

#include <filesystem>

namespace troupe {

CompiledDescriptor compile(const DescriptorRequest& request, const OperatorRegistry& registry) {
  // Each node has a directory of its own: what a relative path means is said once, here.
  std::error_code error;
  const std::string here = std::filesystem::current_path(error).string();
  CheckedJob checked = check_job(request.file, request.text, registry,
                                 {.parameters = request.params, .directory = here});
  CompiledDescriptor compiled;
  for (const RelativePath& path : checked.relative_paths) {
    compiled.notes.push_back(
        fmt::format("{}.with.{}: '{}' is relative: on the coordinator it is {}", path.vertex,
                    path.parameter, path.path, path.taken));
  }
  auto diagnostics = std::make_shared<Json>(Json::array());
  for (const Diagnostic& mistake : checked.mistakes) diagnostics->push_back(render_json(mistake));
  compiled.diagnostics = std::move(diagnostics);
  if (checked.job) compiled.graph = std::move(checked.job->graph);
  return compiled;
}

}  // namespace troupe
