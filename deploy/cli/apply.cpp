#include "deploy/cli/api_client.hpp"
#include "deploy/cli/descriptor_input.hpp"
#include "deploy/cli/run_path.hpp"
#include "deploy/cli/run_text.hpp"
#include "runtime/base/json.hpp"
#include "runtime/control/answer_json.hpp"
#include "runtime/os/clock.hpp"

namespace troupe {
namespace {

constexpr Duration run_patience = 24h;

class ApplyVerb final : public Verb {
 public:
  const VerbDescription& description() const override {
    static const VerbDescription description = [] {
      VerbDescription verb{.name = "apply",
                           .summary = "stores a job in the cluster, and with --run starts it",
                           .arguments = descriptor_arguments(),
                           .example = "troupe apply late.yaml -p data=/shared/data --run --wait"};
      verb.arguments.push_back({.names = "--run",
                                .kind = VerbArgument::Kind::flag,
                                .help = "start a run of what was stored"});
      verb.arguments.push_back({.names = "--wait",
                                .kind = VerbArgument::Kind::flag,
                                .help = "wait for the run, and answer with its result"});
      verb.arguments.push_back(
          {.names = "--key", .help = "the same key starts a run only once", .value_name = "KEY"});
      for (VerbArgument& argument : api_arguments()) verb.arguments.push_back(std::move(argument));
      return verb;
    }();
    return description;
  }

  Result<ExitCode> run(const VerbArguments& arguments, VerbContext& context) const override {
    const std::string file = arguments.text("FILE");
    const std::string descriptor = TRY(read_descriptor(file));
    const auto parameters = TRY(parse_parameters(arguments));
    const FromDescriptor<ApplyJob> asked{
        .descriptor = descriptor, .file = file, .params = parameters};
    const ApiClient api = TRY(api_client(arguments));
    const Checked<JobView> applied = TRY(api.ask(asked));
    if (!applied.done) show_mistakes(context.out, applied.mistakes, asked);
    for (const std::string& note : applied.notes) context.out.say("note: " + note);
    if (!applied.done) return ExitCode::invalid;
    const JobView& job = *applied.done;
    if (!arguments.flag("run")) {
      if (context.out.json())
        context.out.object(to_json(applied));
      else
        context.out.line(fmt::format("job {} is stored as {}", job.name, job.version));
      return ExitCode::done;
    }
    return start(api, job, arguments, context);
  }

 private:
  static Result<ExitCode> start(const ApiClient& api, const JobView& job,
                                const VerbArguments& arguments, VerbContext& context) {
    const RunStarted started =
        TRY(api.ask(StartJob{.job = job.name, .idempotency_key = arguments.text("key")}));
    if (!arguments.flag("wait")) {
      if (context.out.json())
        context.out.object(to_json(started));
      else
        context.out.line(fmt::format("{}/{}", job.name, started.run));
      return ExitCode::done;
    }
    const Instant from = system_clock().now();
    const RunView view = TRY(follow_run(api, started.run, run_patience, [&](const RunView& now) {
      const double seconds = std::chrono::duration<double>(system_clock().now() - from).count();
      context.out.progress(run_progress(now, seconds));
    }));
    context.out.progress("");
    return report_run(context.out, view, TRY(fetch_outputs(api, view)));
  }

  /// Shows them as `troupe validate` does, with the lines of the text that was sent.
  static void show_mistakes(const Output& out, std::vector<Diagnostic> mistakes,
                            const FromDescriptor<ApplyJob>& asked) {
    const SourceText text(asked.file, asked.descriptor);
    for (Diagnostic& mistake : mistakes) mistake.line = text.line(mistake.position.line);
    print_mistakes(out, mistakes);
  }
};

}  // namespace

void register_apply(VerbList& verbs) { verbs.push_back(std::make_unique<ApplyVerb>()); }

}  // namespace troupe
