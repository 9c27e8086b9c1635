#include "deploy/cli/api_client.hpp"
#include "deploy/cli/run_path.hpp"
#include "deploy/cli/run_text.hpp"
#include "deploy/cli/verb.hpp"
#include "runtime/base/json.hpp"
#include "runtime/control/answer_json.hpp"

namespace troupe {
namespace {

constexpr Duration watch_max = 24h;

class ShowVerb final : public Verb {
 public:
  const VerbDescription& description() const override {
    static const VerbDescription description = [] {
      VerbDescription verb{
          .name = "show",
          .summary = "one run: its graph with rows, rates, where it waits, and what it printed",
          .arguments = {run_argument(),
                        {.names = "--tasks",
                         .kind = VerbArgument::Kind::flag,
                         .help = "its tasks instead: which node ran what"},
                        {.names = "--watch",
                         .kind = VerbArgument::Kind::flag,
                         .help = "draw again until the run ends"}},
          .example = "troupe show flights"};
      for (VerbArgument& argument : api_arguments()) verb.arguments.push_back(std::move(argument));
      return verb;
    }();
    return description;
  }

  Result<ExitCode> run(const VerbArguments& arguments, VerbContext& context) const override {
    const ApiClient api = TRY(api_client(arguments));
    RunView run = TRY(find_run(api, arguments.text("PATH")));
    if (arguments.flag("watch")) {
      run = TRY(follow_run(api, run.id, watch_max, [&](const RunView& now) {
        if (!context.out.json() && !ended(now.state)) {
          context.out.write(context.out.colour() ? "\033[H\033[2J" : "");
          static_cast<void>(report_run(context.out, now, {}));
        }
      }));
    }
    if (arguments.flag("tasks")) {
      const Json tasks = to_json(run).at("task_list");
      context.out.table(tasks_table(run), &tasks);
      return ExitCode::done;
    }
    TRY(report_run(context.out, run, TRY(fetch_outputs(api, run))));
    return ExitCode::done;
  }
};

}  // namespace

void register_show(VerbList& verbs) { verbs.push_back(std::make_unique<ShowVerb>()); }

}  // namespace troupe
