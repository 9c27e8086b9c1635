#include "deploy/cli/verb.hpp"
#include "runtime/base/json.hpp"
#include "runtime/descriptor/mistake.hpp"

namespace troupe {
namespace {

class ErrorsVerb final : public Verb {
 public:
  const VerbDescription& description() const override {
    static const VerbDescription description{
        .name = "errors",
        .summary = "what an error code of a descriptor means, and what to do",
        .arguments = {{.names = "CODE", .help = "such as TR1007; without it all of them"}},
        .example = "troupe errors TR1007"};
    return description;
  }

  Result<ExitCode> run(const VerbArguments& arguments, VerbContext& context) const override {
    if (arguments.has("CODE")) {
      const MistakeKind* kind = find_mistake(arguments.text("CODE"));
      if (kind == nullptr) {
        return make_error(ErrorCode::not_found, "no error code '{}'", arguments.text("CODE"));
      }
      if (context.out.json()) {
        context.out.object(
            {{"code", kind->code}, {"title", kind->title}, {"explanation", kind->explanation}});
      } else {
        context.out.line(fmt::format("{}: {}\n\n{}", kind->code, kind->title, kind->explanation));
      }
      return ExitCode::done;
    }
    TextTable table{{{"CODE"}, {"MEANING"}}, {}};
    for (const MistakeKind& kind : mistake_kinds()) table.rows.push_back({kind.code, kind.title});
    context.out.table(table);
    return ExitCode::done;
  }
};

}  // namespace

void register_errors(VerbList& verbs) { verbs.push_back(std::make_unique<ErrorsVerb>()); }

}  // namespace troupe
