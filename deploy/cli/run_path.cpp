#include "deploy/cli/run_path.hpp"

#include "deploy/cli/printed.hpp"
#include "deploy/cli/run_text.hpp"
#include "runtime/base/json.hpp"
#include "runtime/base/near.hpp"
#include "runtime/control/answer_json.hpp"
#include "runtime/os/clock.hpp"

#include <fmt/ranges.h>

#include <charconv>
#include <chrono>
#include <optional>
#include <thread>

namespace troupe {
namespace {

constexpr auto look_again_after = std::chrono::milliseconds(150);
/// A coordinator that is started again goes on with its runs, so we wait for it that long.
constexpr Duration gateway_away_max = 60s;

std::optional<RunId> run_number(const std::string& text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return RunId(number);
}

/// True for the job's whole name, and for the part behind its namespace.
bool is_called(const JobName& job, const std::string& name) {
  const std::string& whole = job.value();
  return whole == name || whole.ends_with("/" + name);
}

}  // namespace

Result<JobName> find_job(const ApiClient& api, const std::string& name) {
  std::vector<std::string> names, meant;
  const JobList list = TRY(api.ask(ListJobs{}));
  for (const JobView& job : list.jobs) {
    names.push_back(job.name.value());
    if (names.back() == name) return JobName(name);
    if (is_called(JobName(names.back()), name)) meant.push_back(names.back());
    names.push_back(names.back().substr(names.back().rfind('/') + 1));
  }
  if (meant.size() == 1) return JobName(meant.front());
  Error error = meant.empty() ? make_error(ErrorCode::not_found, "there is no job '{}'", name)
                              : make_error(ErrorCode::not_found, "'{}' may be one of {}", name,
                                           fmt::join(meant, ", "));
  error.hint = meant.empty() ? did_you_mean(name, names) : "give the namespace, too";
  if (error.hint.empty()) error.hint = "`troupe list` shows what there is";
  return error;
}

Result<RunView> fetch_run(const ApiClient& api, RunId run) { return api.ask(ShowRun{run}); }

VerbArgument run_argument() {
  return {.names = "PATH", .help = "RUN, JOB/RUN, or JOB for its latest run", .required = true};
}

Result<RunView> find_run(const ApiClient& api, const std::string& path) {
  const auto slash = path.rfind('/');
  const std::string last = slash == std::string::npos ? path : path.substr(slash + 1);
  if (const auto run = run_number(last)) {
    RunView view = TRY(fetch_run(api, *run));
    if (slash != std::string::npos && !is_called(view.job, path.substr(0, slash))) {
      return make_error(ErrorCode::not_found, "run {} is of job '{}', not of '{}'", *run, view.job,
                        path.substr(0, slash));
    }
    return view;
  }
  const JobName job = TRY(find_job(api, path));
  const RunPage newest = TRY(api.ask(ListRuns{.job = job, .limit = 1}));
  if (newest.runs.empty()) {
    Error error = make_error(ErrorCode::not_found, "the job '{}' has not run yet", job);
    error.hint = "`troupe apply FILE --run` starts one";
    return error;
  }
  return fetch_run(api, newest.runs.front().id);
}

Result<RunView> follow_run(const ApiClient& api, RunId run, Duration patience,
                           const std::function<void(const RunView&)>& watch) {
  const Instant give_up = system_clock().now() + patience;
  RunView view = TRY(fetch_run(api, run));
  Instant heard = system_clock().now();
  for (;;) {
    watch(view);
    if (ended(view.state)) return view;
    if (system_clock().now() > give_up) {
      return make_error(ErrorCode::timeout, "run {} is still {}; it goes on", run,
                        to_string(view.state));
    }
    std::this_thread::sleep_for(look_again_after);
    auto now = fetch_run(api, run);
    if (now) {
      view = *std::move(now);
      heard = system_clock().now();
    } else if (now.error().code != ErrorCode::unavailable ||
               system_clock().now() - heard > gateway_away_max) {
      return std::move(now).error();
    }
  }
}

Result<std::vector<OutputView>> fetch_outputs(const ApiClient& api, const RunView& run) {
  const bool whole = run.state == RunState::succeeded || run.state == RunState::suspended;
  if (!whole) return std::vector<OutputView>();
  return TRY(api.ask(ReadOutput{run.id})).outputs;
}

Result<Json> run_json(const RunView& run, const std::vector<OutputView>& outputs) {
  Json object = to_json(run);
  object["outputs"] = Json::array();
  for (const auto& output : outputs) object["outputs"].push_back(TRY(printed_json(output)));
  return object;
}

ExitCode exit_code_of_end(const RunView& run) {
  if (run.state == RunState::cancelled) return ExitCode::cancelled;
  const bool failed = run.state == RunState::failed || run.state == RunState::halted;
  return failed ? ExitCode::failed : ExitCode::done;
}

Result<ExitCode> report_run(const Output& out, const RunView& run,
                            const std::vector<OutputView>& outputs) {
  const bool people = out.format() == OutputFormat::table || out.format() == OutputFormat::wide;
  if (out.json() || out.format() == OutputFormat::yaml) {
    out.object(TRY(run_json(run, outputs)));
  } else if (people) {
    out.line(run_headline(run));
    out.write(run_graph(run, out.colour()));
    if (const std::string nodes = run_nodes(run); !nodes.empty()) {
      out.line(fmt::format("\n  {}", nodes));
    }
    if (const std::string where = run_position(run); !where.empty()) {
      out.line(fmt::format("\n  {}", where));
    }
    if (!run.reason.empty()) {
      const bool commits = run.state == RunState::finishing || run.state == RunState::stopping;
      const char* what = commits ? "waits" : "begins again";
      out.line(fmt::format("\n  {}: {}", what, run.reason));
    }
    if (!run.error.empty()) out.line(fmt::format("\n  cause: {}", run.error));
    if (!run.hint.empty()) out.line(fmt::format("  hint: {}", run.hint));
    if (!outputs.empty()) out.line("");
  } else {
    out.say(run_headline(run));
  }
  if (!out.json() && out.format() != OutputFormat::yaml) {
    for (const auto& output : outputs) out.write(TRY(printed_text(output, out.format())));
  }
  return exit_code_of_end(run);
}

}  // namespace troupe
