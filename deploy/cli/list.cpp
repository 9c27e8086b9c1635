#include "deploy/cli/api_client.hpp"
#include "deploy/cli/run_path.hpp"
#include "deploy/cli/run_text.hpp"
#include "deploy/cli/verb.hpp"
#include "runtime/base/json.hpp"
#include "runtime/control/answer_json.hpp"

#include <algorithm>
#include <iterator>
#include <optional>

namespace troupe {
namespace {

/// Lists the newest `limit` runs, over as many pages as needed; without a limit, all of them.
Result<ExitCode> list_runs(const ApiClient& api, const std::string& job,
                           std::optional<std::uint32_t> limit, const Output& out) {
  ListRuns asked;
  if (!job.empty()) asked.job = TRY(find_job(api, job));
  RunPage all;
  do {
    const auto shown = static_cast<std::uint32_t>(all.runs.size());
    asked.limit = limit ? std::min(*limit - shown, runs_per_page_max) : runs_per_page_max;
    RunPage page = TRY(api.ask(asked));
    std::move(page.runs.begin(), page.runs.end(), std::back_inserter(all.runs));
    all.next = page.next;
    asked.before = page.next.value_or(RunId());
  } while (all.next && (!limit || all.runs.size() < *limit));
  const Json items = to_json(all).at("runs");
  out.table(runs_table(all.runs), &items);
  if (all.next) {
    out.say(
        fmt::format("the newest {} runs; there are more: --limit N, or --all", all.runs.size()));
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
                                          .default_value = fmt::format("{}", runs_per_page)},
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
    const JobList list = TRY(api.ask(ListJobs{}));
    TextTable table{{{"JOB"}, {"LAST"}, {"RUN", true}, {"VERSION"}, {"APPLIED"}}, {}};
    for (const JobView& job : list.jobs) {
      table.rows.push_back({job.name.value(), job.last_state ? to_string(*job.last_state) : "",
                            job.last_run ? fmt::format("{}", *job.last_run) : "",
                            job.version.substr(0, 12),
                            job.applied ? short_time(*job.applied) : ""});
    }
    const Json items = to_json(list).at("jobs");
    context.out.table(table, &items);
    return ExitCode::done;
  }
};

}  // namespace

void register_list(VerbList& verbs) { verbs.push_back(std::make_unique<ListVerb>()); }

}  // namespace troupe
