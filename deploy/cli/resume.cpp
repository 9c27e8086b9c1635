#include "deploy/cli/api_client.hpp"
#include "deploy/cli/run_path.hpp"
#include "deploy/cli/verb.hpp"
#include "runtime/base/json.hpp"
#include "runtime/control/answer_json.hpp"

namespace troupe {
namespace {

class ResumeVerb final : public Verb {
 public:
  const VerbDescription& description() const override {
    static const VerbDescription description = [] {
      VerbDescription verb{
          .name = "resume",
          .summary = "starts a run that goes on where one that was stopped, failed or halted was",
          .arguments = {run_argument()},
          .example = "troupe resume ledger"};
      for (VerbArgument& argument : api_arguments()) verb.arguments.push_back(std::move(argument));
      return verb;
    }();
    return description;
  }

  Result<ExitCode> run(const VerbArguments& arguments, VerbContext& context) const override {
    const ApiClient api = TRY(api_client(arguments));
    const RunView found = TRY(find_run(api, arguments.text("PATH")));
    const RunStarted started = TRY(api.ask(ResumeRun{found.id}));
    if (context.out.json()) {
      context.out.object(to_json(started));
    } else {
      context.out.line(fmt::format("{}/{}", found.job, started.run));
    }
    return ExitCode::done;
  }
};

}  // namespace

void register_resume(VerbList& verbs) { verbs.push_back(std::make_unique<ResumeVerb>()); }

}  // namespace troupe
