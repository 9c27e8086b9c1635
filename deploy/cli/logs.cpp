#include "actors/gateway/api_json.hpp"
#include "deploy/cli/api_client.hpp"
#include "deploy/cli/run_path.hpp"
#include "deploy/cli/run_text.hpp"
#include "deploy/cli/verb.hpp"
#include "runtime/base/json.hpp"
#include "runtime/base/json_text.hpp"

namespace troupe {
namespace {

/// JSON is one array, given at the end; everything else is a line an event, as it comes.
void print(const EventView& event, const Json& item, const Output& out) {
  if (out.format() == OutputFormat::json) return;
  if (out.json()) return out.line(json_text(item));
  const std::string run = event.run ? fmt::format("run {}  ", *event.run) : "";
  out.line(fmt::format("{}  {:<5}  {}{}", to_iso8601(event.at), event.level, run, event.text));
}

class LogsVerb final : public Verb {
 public:
  const VerbDescription& description() const override {
    static const VerbDescription description = [] {
      VerbDescription verb{
          .name = "logs",
          .summary = "what happened to a run, from the durable event log",
          .arguments = {{.names = "PATH",
                         .help = "RUN, JOB/RUN or JOB; without it the whole cluster"},
                        {.names = "-f,--follow",
                         .kind = VerbArgument::Kind::flag,
                         .help = "go on until the run ends"}},
          .example = "troupe logs -f flights"};
      for (VerbArgument& argument : api_arguments()) verb.arguments.push_back(std::move(argument));
      return verb;
    }();
    return description;
  }

  Result<ExitCode> run(const VerbArguments& arguments, VerbContext& context) const override {
    const ApiClient api = TRY(api_client(arguments));
    std::optional<RunId> run;
    if (arguments.has("PATH")) run = TRY(find_run(api, arguments.text("PATH"))).id;
    const std::string base = run ? fmt::format("/api/v1/runs/{}/events", *run) : "/api/v1/events";
    const bool follow = arguments.flag("follow");
    std::uint64_t after = 0;
    Json all = Json::array();
    for (;;) {
      // Asked before the events: whatever happened until then is in the next answer.
      const bool ended = run && is_final(TRY(fetch_run(api, *run)).state);
      const int wait = follow && !ended ? 10 : 0;
      const Json answer = TRY(api.get(fmt::format("{}?after={}&wait={}", base, after, wait), 30s));
      for (const auto& item : answer.at("events")) {
        const EventView event = TRY(event_from_json(item));
        after = event.sequence;
        print(event, item, context.out);
        if (context.out.format() == OutputFormat::json) all.push_back(item);
      }
      if (answer.at("events").empty() && (ended || !follow)) break;
    }
    if (context.out.format() == OutputFormat::json) context.out.object(all);
    return ExitCode::done;
  }
};

}  // namespace

void register_logs(VerbList& verbs) { verbs.push_back(std::make_unique<LogsVerb>()); }

}  // namespace troupe
