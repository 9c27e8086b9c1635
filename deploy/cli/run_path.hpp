#pragma once

#include "deploy/cli/api_client.hpp"
#include "runtime/base/json_fwd.hpp"
#include "runtime/control/views.hpp"

#include <string>

namespace troupe {

/// The job of this name, or the only one with it behind its namespace.
Result<JobName> find_job(const ApiClient& api, const std::string& name);
/// The run that a path names: "7", "JOB/7", or "JOB" for the job's latest.
Result<RunView> find_run(const ApiClient& api, const std::string& path);
Result<RunView> fetch_run(const ApiClient& api, RunId run);
/// As `fetch_run`, again and again until the run is final, or `patience` ends (`timeout`). Once it
/// has been heard of, a gateway that is away for a while is waited for.
/// `watch` sees each view on the way.
Result<RunView> follow_run(const ApiClient& api, RunId run, Duration patience,
                           const std::function<void(const RunView&)>& watch);
/// What the run's print sinks have committed; nothing where it has not succeeded.
Result<std::vector<OutputView>> fetch_outputs(const ApiClient& api, const RunView& run);
/// The API's object of a run, with the rows that it printed.
Result<Json> run_json(const RunView& run, const std::vector<OutputView>& outputs);
/// Prints the run as its state deserves, then what it has printed, and answers for it.
Result<ExitCode> report_run(const Output& out, const RunView& run,
                            const std::vector<OutputView>& outputs);

}  // namespace troupe
