#include "actors/gateway/api_json.hpp"
#include "deploy/cli/api_client.hpp"
#include "deploy/cli/run_path.hpp"
#include "deploy/cli/run_text.hpp"
#include "deploy/cli/verb.hpp"
#include "runtime/base/json.hpp"

namespace troupe {
namespace {

Result<ExitCode> list_runs(const ApiClient& api, const std::string& job, const Output& out) {
  std::string target = "/api/v1/runs";
  if (!job.empty()) target += "?job=" + url_encode(TRY(find_job(api, job)).value());
  const Json answer = TRY(api.get(target));
  std::vector<RunView> runs;
  for (const auto& item : answer.at("runs")) runs.push_back(TRY(run_from_json(item)));
  out.table(runs_table(runs), &answer.at("runs"));
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
                                          .help = "runs instead of jobs"}},
                           .example = "troupe list --runs"};
      for (VerbArgument& argument : api_arguments()) verb.arguments.push_back(std::move(argument));
      return verb;
    }();
    return description;
  }

  Result<ExitCode> run(const VerbArguments& arguments, VerbContext& context) const override {
    const ApiClient api = TRY(api_client(arguments));
    if (arguments.flag("runs") || arguments.has("JOB")) {
      return list_runs(api, arguments.text("JOB"), context.out);
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
