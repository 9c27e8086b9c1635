#include "deploy/cli/api_client.hpp"
#include "deploy/cli/run_path.hpp"
#include "deploy/cli/run_text.hpp"
#include "deploy/cli/verb.hpp"
#include "runtime/base/json.hpp"
#include "runtime/control/answer_json.hpp"

namespace troupe {
namespace {

class CancelVerb final : public Verb {
 public:
  const VerbDescription& description() const override {
    static const VerbDescription description = [] {
      VerbDescription verb{.name = "cancel",
                           .summary = "cancels a run; one that has ended stays as it is",
                           .arguments = {run_argument()},
                           .example = "troupe cancel flights/7"};
      for (VerbArgument& argument : api_arguments()) verb.arguments.push_back(std::move(argument));
      return verb;
    }();
    return description;
  }

  Result<ExitCode> run(const VerbArguments& arguments, VerbContext& context) const override {
    const ApiClient api = TRY(api_client(arguments));
    const RunView found = TRY(find_run(api, arguments.text("PATH")));
    const RunView run = TRY(api.ask(CancelRun{found.id}));
    if (context.out.json()) {
      context.out.object(to_json(run));
    } else {
      context.out.line(run_headline(run));
    }
    return ExitCode::done;
  }
};

}  // namespace

void register_cancel(VerbList& verbs) { verbs.push_back(std::make_unique<CancelVerb>()); }

}  // namespace troupe
