#include "deploy/cli/run_path.hpp"

#include "actors/gateway/api_json.hpp"
#include "deploy/cli/run_text.hpp"
#include "runtime/base/json.hpp"
#include "runtime/os/clock.hpp"

#include <algorithm>
#include <chrono>
#include <thread>

namespace troupe {
namespace {

constexpr auto look_again_after = std::chrono::milliseconds(150);

bool is_number(const std::string& text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), ::isdigit);
}

}  // namespace

Result<RunView> fetch_run(const ApiClient& api, RunId run) {
  return run_from_json(TRY(api.get(fmt::format("/api/v1/runs/{}", run))));
}

Result<RunView> find_run(const ApiClient& api, const std::string& path) {
  const auto slash = path.rfind('/');
  const std::string last = slash == std::string::npos ? path : path.substr(slash + 1);
  if (is_number(last)) return fetch_run(api, RunId(std::stoull(last)));
  const Json answer = TRY(api.get("/api/v1/runs?job=" + url_encode(path)));
  if (answer.at("runs").empty()) {
    Error error = fail(ErrorCode::not_found, "no run of a job '{}'", path);
    error.hint = "`troupe list` shows what there is";
    return error;
  }
  return fetch_run(api, TRY(run_from_json(answer.at("runs").front())).id);
}

Result<RunView> follow_run(const ApiClient& api, RunId run, Duration patience,
                           const std::function<void(const RunView&)>& watch) {
  const Instant give_up = system_clock().now() + patience;
  for (;;) {
    RunView view = TRY(fetch_run(api, run));
    watch(view);
    if (is_final(view.state)) return view;
    if (system_clock().now() > give_up) {
      return fail(ErrorCode::timeout, "run {} is still {}; it goes on", run, view.state);
    }
    std::this_thread::sleep_for(look_again_after);
  }
}

ExitCode report_run(const Output& out, const RunView& run) {
  if (out.json()) {
    out.object(to_json(run));
  } else {
    out.line(run_headline(run));
    out.write(run_graph(run, out.colour()));
    if (!run.error.empty()) out.line(fmt::format("\n  cause: {}", run.error));
  }
  if (run.state == "CANCELLED") return ExitCode::cancelled;
  return run.state == "FAILED" || run.state == "HALTED" ? ExitCode::failed : ExitCode::done;
}

}  // namespace troupe
