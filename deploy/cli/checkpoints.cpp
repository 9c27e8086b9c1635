#include "deploy/cli/api_client.hpp"
#include "deploy/cli/run_path.hpp"
#include "deploy/cli/run_text.hpp"
#include "deploy/cli/verb.hpp"
#include "runtime/base/json.hpp"
#include "runtime/control/answer_json.hpp"

namespace troupe {
namespace {

class CheckpointsVerb final : public Verb {
 public:
  const VerbDescription& description() const override {
    static const VerbDescription description = [] {
      VerbDescription verb{
          .name = "checkpoints",
          .summary = "the epochs of a streaming run: what became of each, and how long it took",
          .arguments = {run_argument(),
                        {.names = "--limit",
                         .help = "at most so many, the newest",
                         .value_name = "N",
                         .default_value = "20"}},
          .example = "troupe checkpoints ledger --limit 5"};
      for (VerbArgument& argument : api_arguments()) verb.arguments.push_back(std::move(argument));
      return verb;
    }();
    return description;
  }

  Result<ExitCode> run(const VerbArguments& arguments, VerbContext& context) const override {
    const std::uint32_t limit = TRY(arguments.integer("limit", 1, checkpoints_per_answer_max));
    const ApiClient api = TRY(api_client(arguments));
    const RunView found = TRY(find_run(api, arguments.text("PATH")));
    const CheckpointList list = TRY(api.ask(ListCheckpoints{.run = found.id, .limit = limit}));
    const Json items = to_json(list).at("checkpoints");
    context.out.table(checkpoints_table(list.checkpoints), &items);
    return ExitCode::done;
  }
};

}  // namespace

void register_checkpoints(VerbList& verbs) { verbs.push_back(std::make_unique<CheckpointsVerb>()); }

}  // namespace troupe
