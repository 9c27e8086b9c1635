#include "deploy/cli/api_client.hpp"
#include "deploy/cli/run_path.hpp"
#include "deploy/cli/run_text.hpp"
#include "deploy/cli/verb.hpp"
#include "runtime/base/json.hpp"
#include "runtime/control/answer_json.hpp"

namespace troupe {
namespace {

class NodesVerb final : public Verb {
 public:
  const VerbDescription& description() const override {
    static const VerbDescription description = [] {
      VerbDescription verb{.name = "nodes",
                           .summary = "the nodes of the cluster, dead ones included",
                           .arguments = {},
                           .example = "troupe nodes"};
      for (VerbArgument& argument : api_arguments()) verb.arguments.push_back(std::move(argument));
      return verb;
    }();
    return description;
  }

  Result<ExitCode> run(const VerbArguments& arguments, VerbContext& context) const override {
    const ApiClient api = TRY(api_client(arguments));
    const NodeList list = TRY(api.ask(ListNodes{}));
    TextTable table{
        {{"NODE"}, {"STATE"}, {"SLOTS", true}, {"INCARNATION", true}, {"ADDRESS"}, {"WHY"}}, {}};
    for (const NodeView& node : list.nodes) {
      table.rows.push_back({node.id.value(), to_string(node.state),
                            fmt::format("{}/{}", node.slots_used, node.slots),
                            fmt::format("{}", node.incarnation), node.address, node.reason});
    }
    const Json items = to_json(list).at("nodes");
    context.out.table(table, &items);
    return ExitCode::done;
  }
};

}  // namespace

void register_nodes(VerbList& verbs) { verbs.push_back(std::make_unique<NodesVerb>()); }

}  // namespace troupe
