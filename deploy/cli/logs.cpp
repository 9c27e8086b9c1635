#include "deploy/cli/api_client.hpp"
#include "deploy/cli/run_path.hpp"
#include "deploy/cli/run_text.hpp"
#include "deploy/cli/verb.hpp"
#include "runtime/base/json.hpp"
#include "runtime/base/json_text.hpp"
#include "runtime/control/answer_json.hpp"
#include "runtime/control/wall_time.hpp"

namespace troupe {
namespace {

/// The gateway waits so long for more events, and we wait so long for the gateway.
constexpr auto wait_for_more = std::chrono::seconds(10);
constexpr Duration patience = 30s;

/// JSON is one array, printed at the end; other formats print each event as a line when it comes.
void print(const EventList& list, const Output& out) {
  if (out.format() == OutputFormat::json) return;
  if (out.json()) {
    const Json items = to_json(list).at("events");
    for (const Json& item : items) out.line(json_text(item));
    return;
  }
  for (const EventView& event : list.events) {
    const std::string run = event.run ? fmt::format("run {}  ", *event.run) : "";
    out.line(fmt::format("{}  {:<5}  {}{}", to_iso8601(event.at), log::to_string(event.level), run,
                         event.text));
  }
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
    ListEvents asked;
    if (arguments.has("PATH")) asked.run = TRY(find_run(api, arguments.text("PATH"))).id;
    const bool follow = arguments.flag("follow");
    EventList all;
    for (;;) {
      // The state is asked first: if the run has ended by then, the next answer has all its events.
      const bool over = asked.run && ended(TRY(fetch_run(api, *asked.run)).state);
      asked.wait = follow && !over ? wait_for_more : 0s;
      const EventList list = TRY(api.ask(asked, patience));
      if (list.events.empty() && (over || !follow)) break;
      print(list, context.out);
      if (!list.events.empty()) asked.after = list.events.back().sequence;
      if (context.out.format() == OutputFormat::json) {
        all.events.insert(all.events.end(), list.events.begin(), list.events.end());
      }
    }
    if (context.out.format() == OutputFormat::json) context.out.object(to_json(all).at("events"));
    return ExitCode::done;
  }
};

}  // namespace

void register_logs(VerbList& verbs) { verbs.push_back(std::make_unique<LogsVerb>()); }

}  // namespace troupe
