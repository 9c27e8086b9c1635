#include "deploy/cli/command_line.hpp"
#include "runtime/connectors/connectors.hpp"
#include "runtime/ops/builtin_ops.hpp"
#include "runtime/os/file_system.hpp"
#include "runtime/os/memory.hpp"

#include <fmt/format.h>

#include <exception>

int main(int argc, char** argv) {
  using namespace troupe;
  arrange_memory();
  try {
    OperatorRegistry registry(system_files());
    register_operators(registry);
    register_connectors(registry);
    return CommandLine(all_verbs(), registry).run(argc, argv);
  } catch (const std::exception& defect) {
    fmt::print(stderr,
               "error: this is a bug in troupe: {}\n"
               "  hint: please report it with the command line and `troupe --version`\n",
               defect.what());
    return static_cast<int>(ExitCode::defect);
  }
}
