#include "runtime/graph/explain.hpp"

#include "deploy/cli/descriptor_input.hpp"
#include "runtime/base/json.hpp"

namespace troupe {
namespace {

class ExplainVerb final : public Verb {
 public:
  const VerbDescription& description() const override {
    static const VerbDescription description = [] {
      VerbDescription verb{
          .name = "explain",
          .summary =
              "the plan of a job: stages, exchanges, what sources read, what is kept on disk",
          .arguments = descriptor_arguments(),
          .example = "troupe explain late.yaml --level tasks"};
      verb.arguments.push_back({.names = "--level",
                                .help = "descriptor, plan or tasks",
                                .value_name = "LEVEL",
                                .default_value = "tasks"});
      verb.arguments.push_back({.names = "--parallelism",
                                .help = "subtasks of a stage",
                                .value_name = "N",
                                .default_value = "2"});
      verb.arguments.push_back({.names = "--cluster",
                                .kind = VerbArgument::Kind::flag,
                                .help = "as on several nodes, where blocking edges are on disk"});
      verb.arguments.push_back(
          {.names = "--dot", .kind = VerbArgument::Kind::flag, .help = "for Graphviz"});
      return verb;
    }();
    return description;
  }

  Result<ExitCode> run(const VerbArguments& arguments, VerbContext& context) const override {
    const PlanTarget target{TRY(arguments.integer("parallelism", 1, parallelism_max)),
                            arguments.flag("cluster")};
    const auto level = TRY(from_argument("--level", parse_explain_level(arguments.text("level"))));
    const auto job = TRY(load_job(arguments, context));
    if (!job) return ExitCode::invalid;
    const Json explained = TRY(explain(job->graph, context.registry, target, level));
    if (arguments.flag("dot")) {
      context.out.write(explain_dot(explained));
    } else if (context.out.json()) {
      context.out.object(explained);
    } else {
      context.out.write(explain_text(explained));
    }
    return ExitCode::done;
  }
};

}  // namespace

void register_explain(VerbList& verbs) { verbs.push_back(std::make_unique<ExplainVerb>()); }

}  // namespace troupe
