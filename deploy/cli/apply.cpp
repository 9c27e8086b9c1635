#include "actors/gateway/api_json.hpp"
#include "deploy/cli/api_client.hpp"
#include "deploy/cli/descriptor_input.hpp"
#include "deploy/cli/run_path.hpp"
#include "deploy/cli/run_text.hpp"
#include "runtime/base/json.hpp"
#include "runtime/base/json_text.hpp"
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
    Json body = {{"descriptor", TRY(read_descriptor(file))}, {"file", file}};
    body["params"] = Json::object();
    for (const auto& [name, value] : TRY(parse_parameters(arguments))) body["params"][name] = value;
    const ApiClient api = TRY(api_client(arguments));
    const Json applied = TRY(api.post("/api/v1/jobs", body));
    if (applied.contains("diagnostics")) {
      TRY(show_diagnostics(context.out, applied["diagnostics"],
                           body["descriptor"].get<std::string>()));
      show_notes(context.out, applied);
      return ExitCode::invalid;
    }
    show_notes(context.out, applied);
    const JobView job = TRY(job_from_json(applied));
    if (!arguments.flag("run")) {
      if (context.out.json())
        context.out.object(applied);
      else
        context.out.line(fmt::format("job {} is stored as {}", job.name, job.version));
      return ExitCode::done;
    }
    return start(api, job, arguments, context);
  }

 private:
  static Result<ExitCode> start(const ApiClient& api, const JobView& job,
                                const VerbArguments& arguments, VerbContext& context) {
    const Json started =
        TRY(api.post(fmt::format("/api/v1/jobs/{}/runs", url_encode(job.name.value())),
                     {{"idempotency_key", arguments.text("key")}}));
    const RunId run(started.at("run").get<std::uint64_t>());
    if (!arguments.flag("wait")) {
      if (context.out.json())
        context.out.object(started);
      else
        context.out.line(fmt::format("{}/{}", job.name, run));
      return ExitCode::done;
    }
    const Instant from = system_clock().now();
    const RunView view = TRY(follow_run(api, run, run_patience, [&](const RunView& now) {
      const double seconds = std::chrono::duration<double>(system_clock().now() - from).count();
      context.out.progress(run_progress(now, seconds));
    }));
    context.out.progress("");
    return report_run(context.out, view, TRY(fetch_outputs(api, view)));
  }

  /// As `troupe validate` shows them.
  static Result<> show_diagnostics(const Output& out, const Json& diagnostics,
                                   const std::string& text) {
    std::vector<Diagnostic> mistakes;
    for (const auto& one : diagnostics) {
      auto mistake = diagnostic_of(one, text);
      if (!mistake) {
        return fail(ErrorCode::unsupported, "a mistake that this version does not know: {}",
                    json_text(one));
      }
      mistakes.push_back(*std::move(mistake));
    }
    print_mistakes(out, mistakes);
    return {};
  }

  static void show_notes(const Output& out, const Json& answer) {
    if (!answer.contains("notes")) return;
    for (const auto& note : answer["notes"]) {
      out.say(fmt::format("note: {}", note.get<std::string>()));
    }
  }
};

}  // namespace

void register_apply(VerbList& verbs) { verbs.push_back(std::make_unique<ApplyVerb>()); }

}  // namespace troupe
