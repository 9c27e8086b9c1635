#pragma once

#include "deploy/cli/verb.hpp"
#include "runtime/descriptor/check_job.hpp"

#include <optional>
#include <string>
#include <vector>

namespace troupe {

/// The most subtasks that `--parallelism` takes; more are a slip of the finger.
inline constexpr std::uint32_t parallelism_max = 4096;

/// FILE and -p, for the verbs that read one descriptor.
std::vector<VerbArgument> descriptor_arguments();

/// Reads the text of a descriptor; "-" is standard input.
Result<std::string> read_descriptor(const std::string& file);
/// Reads all `-p name=value`; the same name twice is an error.
Result<std::map<std::string, std::string>> parse_parameters(const VerbArguments& arguments);

/// Prints mistakes in the output format: on a terminal with the line and a mark, as objects with
/// `-o json`, else one line each.
void print_mistakes(const Output& out, const std::vector<Diagnostic>& mistakes);

/// The checked job that the arguments name. None: its mistakes have been printed, and the verb ends
/// with `ExitCode::invalid`.
Result<std::optional<JobFile>> load_job(const VerbArguments& arguments, VerbContext& context,
                                        CheckStage last = CheckStage::environment);

}  // namespace troupe
