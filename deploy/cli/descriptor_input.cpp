#include "deploy/cli/descriptor_input.hpp"

#include "runtime/base/json.hpp"
#include "runtime/os/file_system.hpp"

#include <iostream>
#include <iterator>
#include <unistd.h>

namespace troupe {

std::vector<VerbArgument> descriptor_arguments() {
  return {{.names = "FILE", .help = "the job descriptor; - is standard input", .required = true},
          {.names = "-p,--param",
           .kind = VerbArgument::Kind::list,
           .help = "a parameter of the job",
           .value_name = "NAME=VALUE"}};
}

Result<std::string> read_descriptor(const std::string& file) {
  if (file == "-") {
    return std::string(std::istreambuf_iterator<char>(std::cin), std::istreambuf_iterator<char>());
  }
  auto text = system_files().read(file);
  if (!text && text.error().code == ErrorCode::not_found) {
    return make_error(ErrorCode::not_found, "no such file: {}", file);
  }
  return text;
}

Result<std::map<std::string, std::string>> parse_parameters(const VerbArguments& arguments) {
  std::map<std::string, std::string> parameters;
  for (const std::string& word : arguments.list("param")) {
    const auto equals = word.find('=');
    if (equals == std::string::npos || equals == 0) {
      return wrong_use(
          "-p", make_error(ErrorCode::invalid_argument, "-p wants NAME=VALUE, not '{}'", word));
    }
    if (!parameters.emplace(word.substr(0, equals), word.substr(equals + 1)).second) {
      return wrong_use("-p", make_error(ErrorCode::invalid_argument,
                                        "parameter '{}' is given twice", word.substr(0, equals)));
    }
  }
  return parameters;
}

void print_mistakes(const Output& out, const std::vector<Diagnostic>& mistakes) {
  if (out.json()) {
    Json items = Json::array();
    for (const auto& mistake : mistakes) items.push_back(render_json(mistake));
    return out.object({{"valid", mistakes.empty()}, {"mistakes", items}});
  }
  const bool people = isatty(STDERR_FILENO) != 0;
  for (const auto& mistake : mistakes) {
    fmt::print(stderr, "{}\n", people ? render_text(mistake) : render_line(mistake));
  }
}

Result<std::optional<JobFile>> load_job(const VerbArguments& arguments, VerbContext& context,
                                        CheckStage last) {
  const std::string file = arguments.text("FILE");
  const std::string text = TRY(read_descriptor(file));
  CheckOptions options{.last = last};
  options.parameters = TRY(parse_parameters(arguments));
  CheckedJob checked = check_job(file == "-" ? "stdin" : file, text, context.registry, options);
  if (!checked.job) print_mistakes(context.out, checked.mistakes);
  return std::move(checked.job);
}

}  // namespace troupe
