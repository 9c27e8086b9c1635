#include "deploy/cli/api_client.hpp"
#include "deploy/cli/run_path.hpp"
#include "deploy/cli/run_text.hpp"
#include "deploy/cli/verb.hpp"
#include "runtime/base/json.hpp"

namespace troupe {
namespace {

class WaitVerb final : public Verb {
 public:
  const VerbDescription& description() const override {
    static const VerbDescription description = [] {
      VerbDescription verb{
          .name = "wait",
          .summary =
              "waits for the end of a run, prints what it printed, and answers with its result",
          .arguments = {run_argument(),
                        {.names = "--timeout",
                         .help = "seconds to wait",
                         .value_name = "SECONDS",
                         .default_value = "3600"}},
          .example = "troupe wait flights --timeout 60"};
      for (VerbArgument& argument : api_arguments()) verb.arguments.push_back(std::move(argument));
      return verb;
    }();
    return description;
  }

  Result<ExitCode> run(const VerbArguments& arguments, VerbContext& context) const override {
    const auto patience = std::chrono::seconds(TRY(arguments.integer("timeout")));
    const ApiClient api = TRY(api_client(arguments));
    const RunView found = TRY(find_run(api, arguments.text("PATH")));
    const RunView run = TRY(follow_run(api, found.id, patience, [](const RunView&) {}));
    return report_run(context.out, run, TRY(fetch_outputs(api, run)));
  }
};

}  // namespace

void register_wait(VerbList& verbs) { verbs.push_back(std::make_unique<WaitVerb>()); }

}  // namespace troupe
