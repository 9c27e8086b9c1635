#pragma once

#include "deploy/cli/api_client.hpp"
#include "runtime/base/json_fwd.hpp"
#include "runtime/control/views.hpp"

#include <string>

namespace troupe {

/// The job with this whole name, or the only one with this name behind its namespace.
Result<JobName> find_job(const ApiClient& api, const std::string& name);
/// The argument PATH of a verb, which names a run.
VerbArgument run_argument();
/// The run that a path names: "7", "JOB/7", or "JOB" for the job's latest.
Result<RunView> find_run(const ApiClient& api, const std::string& path);
Result<RunView> fetch_run(const ApiClient& api, RunId run);
/// Fetches the run again and again until it has ended, or `patience` is over (`timeout`). After the
/// first answer, it bears a gateway that is away for a while. `watch` sees each view.
Result<RunView> follow_run(const ApiClient& api, RunId run, Duration patience,
                           const std::function<void(const RunView&)>& watch);
/// The tables that the run's print sinks have committed; none if it has neither succeeded nor been
/// stopped.
Result<std::vector<OutputView>> fetch_outputs(const ApiClient& api, const RunView& run);
/// The API's object of a run, with the rows of its print sinks.
Result<Json> run_json(const RunView& run, const std::vector<OutputView>& outputs);
/// Of a run in this state: one that has not ended, or ended as somebody wanted, is done.
ExitCode exit_code_of_end(const RunView& run);
/// Prints the run and its tables. Returns the exit code for its state.
Result<ExitCode> report_run(const Output& out, const RunView& run,
                            const std::vector<OutputView>& outputs);

}  // namespace troupe
