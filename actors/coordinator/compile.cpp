#include "actors/coordinator/compile.hpp"

#include "runtime/descriptor/check_job.hpp"

#include <filesystem>

namespace troupe {

CompiledDescriptor compile(const std::string& file, const std::string& text,
                           const std::map<std::string, std::string>& parameters,
                           const OperatorRegistry& registry) {
  // Each node has a directory of its own: what a relative path means is said once, here.
  std::error_code error;
  const std::string here = std::filesystem::current_path(error).string();
  CheckedJob checked =
      check_job(file, text, registry, {.parameters = parameters, .directory = here});
  CompiledDescriptor compiled;
  for (const RelativePath& path : checked.relative_paths) {
    compiled.notes.push_back(
        fmt::format("{}.with.{}: '{}' is relative: on the coordinator it is {}", path.vertex,
                    path.parameter, path.path, path.taken));
  }
  compiled.mistakes = std::move(checked.mistakes);
  if (checked.job) compiled.graph = std::move(checked.job->graph);
  return compiled;
}

}  // namespace troupe
