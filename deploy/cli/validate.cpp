#include "deploy/cli/descriptor_input.hpp"
#include "runtime/base/json.hpp"

#include <fmt/ranges.h>

namespace troupe {
namespace {

class ValidateVerb final : public Verb {
 public:
  /// One line for all of them: they are no mistake if the job runs here.
  static std::string about(const std::string& file, const std::vector<RelativePath>& paths) {
    std::vector<std::string> places;
    for (const RelativePath& path : paths) {
      places.push_back(fmt::format("{}.with.{}", path.vertex, path.parameter));
    }
    return fmt::format(
        "{}: relative paths ({}) are looked for from here; `troupe apply` takes them from the "
        "directory in which the coordinator was started",
        file, fmt::join(places, ", "));
  }

  const VerbDescription& description() const override {
    static const VerbDescription description{
        .name = "validate",
        .summary = "checks descriptors; every mistake with its line and column",
        .arguments = {{.names = "FILE",
                       .kind = VerbArgument::Kind::list,
                       .help = "job descriptors; - is standard input",
                       .required = true},
                      {.names = "-p,--param",
                       .kind = VerbArgument::Kind::list,
                       .help = "a parameter of the job",
                       .value_name = "NAME=VALUE"},
                      {.names = "--offline",
                       .kind = VerbArgument::Kind::flag,
                       .help = "do not look whether inputs can be read and outputs written"}},
        .example = "troupe validate jobs/late.yaml -p data=/data",
        .details = "Exit code 3 where there is a mistake. `troupe errors CODE` explains one."};
    return description;
  }

  Result<ExitCode> run(const VerbArguments& arguments, VerbContext& context) const override {
    const auto parameters = TRY(parse_parameters(arguments));
    const CheckOptions options{
        .last = arguments.flag("offline") ? offline_stage : CheckStage::environment,
        .parameters = parameters};
    std::vector<Diagnostic> mistakes;
    std::vector<std::string> notes;
    const auto files = arguments.list("FILE");
    for (const std::string& file : files) {
      const std::string text = TRY(read_descriptor(file));
      auto checked = check_job(file == "-" ? "stdin" : file, text, context.registry, options);
      std::move(checked.mistakes.begin(), checked.mistakes.end(), std::back_inserter(mistakes));
      if (!checked.relative_paths.empty()) notes.push_back(about(file, checked.relative_paths));
    }
    print_mistakes(context.out, mistakes);
    for (const std::string& note : notes) context.out.say("note: " + note);
    if (!context.out.json() && mistakes.empty()) {
      for (const std::string& file : files) context.out.line(fmt::format("{}: valid", file));
    } else if (!context.out.json()) {
      context.out.say(
          fmt::format("{} mistake{}", mistakes.size(), mistakes.size() == 1 ? "" : "s"));
    }
    return mistakes.empty() ? ExitCode::done : ExitCode::invalid;
  }
};

}  // namespace

void register_validate(VerbList& verbs) { verbs.push_back(std::make_unique<ValidateVerb>()); }

}  // namespace troupe
