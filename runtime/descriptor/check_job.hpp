#pragma once

#include "runtime/descriptor/diagnostic.hpp"
#include "runtime/descriptor/job_file.hpp"
#include "runtime/descriptor/relative_paths.hpp"

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace troupe {

class OperatorRegistry;

/// How far a descriptor is checked; each stage needs the ones before it.
enum class CheckStage {
  syntax,       ///< YAML
  shape,        ///< keys, kinds and bounds of values, parameters, `${{ }}`
  graph,        ///< operators and who reads whom
  types,        ///< schemas flow along the edges, SQL is bound; reads headers of sources that exist
  environment,  ///< sources can be read, outputs can be written
};

struct CheckOptions {
  CheckStage last = CheckStage::environment;
  /// Values of parameters as the caller wrote them: `-p name=value`.
  std::map<std::string, std::string> parameters = {};
  /// A parameter without a value is no mistake: the operators that use it are named in
  /// `JobFile::open`, and nothing else is known of them. For whoever needs a part of the job only.
  bool open_parameters = false;
  /// Relative paths are replaced by what they mean in this directory; empty: they stay.
  std::string directory = {};
};

/// What became of a descriptor: the job, or every mistake in it, in the order of the text.
struct CheckedJob {
  std::vector<Diagnostic> mistakes;
  std::optional<JobFile> job;  ///< set exactly where there is no mistake
  bool bound = false;          ///< the job's graph is: all stages to `types`, all sources readable
  std::vector<RelativePath> relative_paths = {};  ///< whoever runs the job decides what they mean
};

/// Checks the text of a descriptor. `file` is its name in messages. Each mistake is told once:
/// what only follows from another one is not. Blocks from `types` on (headers of sources). A source
/// that cannot be read is a mistake of the stage `environment`; before that, its readers are left
/// alone.
CheckedJob check_job(const std::string& file, std::string_view text,
                     const OperatorRegistry& registry, const CheckOptions& options = {});

/// The stage up to which everything is checked that needs nothing but the text: `--offline`.
inline constexpr CheckStage offline_stage = CheckStage::types;

}  // namespace troupe
