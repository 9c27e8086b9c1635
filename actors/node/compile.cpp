#include "actors/node/compile.hpp"

#include "runtime/base/json.hpp"
#include "runtime/descriptor/check_job.hpp"

namespace troupe {

CompiledDescriptor compile(const DescriptorRequest& request, const OperatorRegistry& registry) {
  CheckedJob checked =
      check_job(request.file, request.text, registry, {.parameters = request.params});
  CompiledDescriptor compiled;
  auto diagnostics = std::make_shared<Json>(Json::array());
  for (const Diagnostic& mistake : checked.mistakes) diagnostics->push_back(render_json(mistake));
  compiled.diagnostics = std::move(diagnostics);
  if (checked.job) compiled.graph = std::move(checked.job->graph);
  return compiled;
}

}  // namespace troupe
