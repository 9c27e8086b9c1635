#include "actors/gateway/api_json.hpp"
#include "deploy/cli/api_client.hpp"
#include "deploy/cli/run_path.hpp"
#include "deploy/cli/run_text.hpp"
#include "deploy/cli/verb.hpp"
#include "runtime/base/json.hpp"

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
    const Json answer = TRY(api.get("/api/v1/nodes"));
    TextTable table{
        {{"NODE"}, {"STATE"}, {"SLOTS", true}, {"INCARNATION", true}, {"ADDRESS"}, {"WHY"}}, {}};
    for (const auto& item : answer.at("nodes")) {
      const NodeView node = TRY(node_from_json(item));
      table.rows.push_back({node.id.value(), node.state,
                            fmt::format("{}/{}", node.slots_used, node.slots),
                            fmt::format("{}", node.incarnation), node.address, node.reason});
    }
    context.out.table(table, &answer.at("nodes"));
    return ExitCode::done;
  }
};

}  // namespace

void register_nodes(VerbList& verbs) { verbs.push_back(std::make_unique<NodesVerb>()); }

}  // namespace troupe
