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

/// The stages of checking a descriptor; each needs the ones before it.
enum class CheckStage {
  syntax,       ///< YAML
  shape,        ///< keys, kinds and bounds of values, parameters, `${{ }}`
  graph,        ///< operators and their inputs
  types,        ///< schemas flow along the edges, SQL is bound; reads headers of sources that exist
  environment,  ///< sources can be read, outputs can be written, systems outside have what it needs
};

struct CheckOptions {
  CheckStage last = CheckStage::environment;
  /// Values of parameters, as the caller wrote them: `-p name=value`.
  std::map<std::string, std::string> parameters = {};
  /// True: a parameter without a value is no mistake. The operators that use it are named in
  /// `JobFile::open`, and nothing else is known of them. For callers that need only a part of the
  /// job.
  bool open_parameters = false;
  /// Relative paths are taken from this directory; empty: they stay relative.
  std::string directory = {};
};

/// The outcome for a descriptor: the job, or all its mistakes, in the order of the text.
struct CheckedJob {
  std::vector<Diagnostic> mistakes;
  std::optional<JobFile> job;  ///< set if, and only if, there is no mistake
  bool bound = false;          ///< the graph is bound: checked to `types`, all sources readable
  std::vector<RelativePath> relative_paths = {};  ///< their directory depends on the caller
};

/// Checks the text of a descriptor. `file` is its name in messages. Mistakes that only follow from
/// another one are not told. Blocks from `types` on (headers of sources). A source that cannot be
/// read is a mistake of the stage `environment`; earlier stages do not check its readers then.
CheckedJob check_job(const std::string& file, std::string_view text,
                     const OperatorRegistry& registry, const CheckOptions& options = {});

/// The last stage of `--offline`: no file need be there.
inline constexpr CheckStage offline_stage = CheckStage::types;

}  // namespace troupe
