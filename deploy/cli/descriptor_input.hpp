#pragma once

#include "deploy/cli/verb.hpp"
#include "runtime/descriptor/check_job.hpp"

#include <optional>
#include <string>
#include <vector>

namespace troupe {

/// More subtasks of one stage than this are a slip of the finger.
inline constexpr std::uint32_t parallelism_max = 4096;

/// FILE and -p, for the verbs that read one descriptor.
std::vector<VerbArgument> descriptor_arguments();

/// A descriptor as it lies on disk; "-" is standard input.
Result<std::string> read_descriptor(const std::string& file);
/// What `-p name=value` says; the same name twice is an error.
Result<std::map<std::string, std::string>> parse_parameters(const VerbArguments& arguments);

/// Mistakes as the output format wants them: with the line and a mark on a terminal, one line each
/// otherwise, as objects with `-o json`.
void print_mistakes(const Output& out, const std::vector<Diagnostic>& mistakes);

/// The checked job that the arguments name. None: its mistakes have been printed, and the verb
/// answers `ExitCode::invalid`.
Result<std::optional<JobFile>> load_job(const VerbArguments& arguments, VerbContext& context,
                                        CheckStage last = CheckStage::environment);

}  // namespace troupe
