#include "deploy/cli/api_client.hpp"
#include "deploy/cli/run_path.hpp"
#include "deploy/cli/run_text.hpp"
#include "deploy/cli/verb.hpp"
#include "runtime/base/json.hpp"
#include "runtime/control/answer_json.hpp"

namespace troupe {
namespace {

class StopVerb final : public Verb {
 public:
  const VerbDescription& description() const override {
    static const VerbDescription description = [] {
      VerbDescription verb{
          .name = "stop",
          .summary = "takes a last epoch of a streaming run, and suspends it: it can be resumed",
          .arguments = {run_argument(),
                        {.names = "--detach",
                         .kind = VerbArgument::Kind::flag,
                         .help = "do not wait until it is suspended"},
                        {.names = "--timeout",
                         .help = "seconds to wait",
                         .value_name = "SECONDS",
                         .default_value = "60"}},
          .example = "troupe stop ledger"};
      for (VerbArgument& argument : api_arguments()) verb.arguments.push_back(std::move(argument));
      return verb;
    }();
    return description;
  }

  Result<ExitCode> run(const VerbArguments& arguments, VerbContext& context) const override {
    const auto patience = std::chrono::seconds(TRY(arguments.integer("timeout")));
    const ApiClient api = TRY(api_client(arguments));
    const RunView found = TRY(find_run(api, arguments.text("PATH")));
    RunView run = TRY(api.ask(StopRun{found.id}));
    if (!arguments.flag("detach")) {
      run = TRY(follow_run(api, run.id, patience, [](const RunView&) {}));
    }
    if (context.out.json()) {
      context.out.object(to_json(run));
    } else {
      context.out.line(run_headline(run));
      if (!run.error.empty()) context.out.error(Error{ErrorCode::internal, run.error, run.hint});
    }
    return exit_code_of_end(run);
  }
};

}  // namespace

void register_stop(VerbList& verbs) { verbs.push_back(std::make_unique<StopVerb>()); }

}  // namespace troupe
