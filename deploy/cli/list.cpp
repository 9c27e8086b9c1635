#include "actors/gateway/api_json.hpp"
#include "deploy/cli/api_client.hpp"
#include "deploy/cli/run_path.hpp"
#include "deploy/cli/run_text.hpp"
#include "deploy/cli/verb.hpp"
#include "runtime/base/json.hpp"

#include <algorithm>
#include <optional>

namespace troupe {
namespace {

constexpr std::uint32_t runs_shown = 50;
constexpr std::uint32_t runs_a_page = 1000;

/// The newest `limit` runs, over as many pages as they take; all of them where there is no limit.
Result<ExitCode> list_runs(const ApiClient& api, const std::string& job,
                           std::optional<std::uint32_t> limit, const Output& out) {
  const std::string only = job.empty() ? "" : "&job=" + url_encode(TRY(find_job(api, job)).value());
  std::vector<RunView> runs;
  Json items = Json::array();
  std::uint64_t next = 0;
  do {
    const std::uint32_t wanted =
        limit ? *limit - static_cast<std::uint32_t>(runs.size()) : runs_a_page;
    const Json answer = TRY(api.get(fmt::format("/api/v1/runs?limit={}&before={}{}",
                                                std::min(wanted, runs_a_page), next, only)));
    for (const auto& item : answer.at("runs")) {
      runs.push_back(TRY(run_from_json(item)));
      items.push_back(item);
    }
    next = answer.value("next", std::uint64_t{0});
  } while (next != 0 && (!limit || runs.size() < *limit));
  out.table(runs_table(runs), &items);
  if (next != 0) {
    out.say(fmt::format("the newest {} runs; there are more: --limit N, or --all", runs.size()));
  }
  return ExitCode::done;
}

class ListVerb final : public Verb {
 public:
  const VerbDescription& description() const override {
    static const VerbDescription description = [] {
      VerbDescription verb{.name = "list",
                           .summary = "the stored jobs, or with --runs the runs",
                           .arguments = {{.names = "JOB", .help = "only runs of this job"},
                                         {.names = "--runs",
                                          .kind = VerbArgument::Kind::flag,
                                          .help = "runs instead of jobs"},
                                         {.names = "--limit",
                                          .help = "at most so many runs, the newest",
                                          .value_name = "N",
                                          .default_value = fmt::format("{}", runs_shown)},
                                         {.names = "--all",
                                          .kind = VerbArgument::Kind::flag,
                                          .help = "all runs, however many"}},
                           .example = "troupe list --runs"};
      for (VerbArgument& argument : api_arguments()) verb.arguments.push_back(std::move(argument));
      return verb;
    }();
    return description;
  }

  Result<ExitCode> run(const VerbArguments& arguments, VerbContext& context) const override {
    const ApiClient api = TRY(api_client(arguments));
    if (arguments.flag("runs") || arguments.has("JOB")) {
      const std::uint32_t limit = TRY(arguments.integer("limit", 1));
      return list_runs(api, arguments.text("JOB"),
                       arguments.flag("all") ? std::nullopt : std::optional(limit), context.out);
    }
    const Json answer = TRY(api.get("/api/v1/jobs"));
    TextTable table{{{"JOB"}, {"LAST"}, {"RUN", true}, {"VERSION"}, {"APPLIED"}}, {}};
    for (const auto& item : answer.at("jobs")) {
      const JobView job = TRY(job_from_json(item));
      table.rows.push_back(
          {job.name.value(), job.last_state, job.last_run ? fmt::format("{}", *job.last_run) : "",
           job.version.substr(0, 12), job.applied ? short_time(*job.applied) : ""});
    }
    context.out.table(table, &answer.at("jobs"));
    return ExitCode::done;
  }
};

}  // namespace

void register_list(VerbList& verbs) { verbs.push_back(std::make_unique<ListVerb>()); }

}  // namespace troupe
