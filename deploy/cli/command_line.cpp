#include "deploy/cli/command_line.hpp"

#include "runtime/base/log.hpp"
#include "runtime/base/near.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <unistd.h>

namespace troupe {
namespace {

constexpr const char* version_text = TROUPE_VERSION;

/// The options that every verb has besides its own.
struct GlobalOptions {
  std::string output = "table";
  std::string colour = "auto";
  std::string log_level = "warn";
  bool quiet = false;

  void add_to(CLI::App& app) {
    app.add_option("-o,--output", output, "table, wide, json, jsonl, yaml, name or csv")
        ->envname("TROUPE_OUTPUT");
    app.add_option("--color", colour, "auto, always or never")
        ->check(CLI::IsMember({"auto", "always", "never"}));
    app.add_option("--log-level", log_level, "trace, debug, info, warn, error or off")
        ->envname("TROUPE_LOG_LEVEL");
    app.add_flag("-q,--quiet", quiet, "no progress and no hints");
  }

  bool colours(int descriptor) const {
    if (colour != "auto") return colour == "always";
    const char* terminal = std::getenv("TERM");
    return isatty(descriptor) && std::getenv("NO_COLOR") == nullptr &&
           std::string(terminal ? terminal : "dumb") != "dumb";
  }
};

std::string footer_of(const VerbDescription& verb) {
  std::string text = verb.details.empty() ? "" : "\n" + verb.details + "\n";
  return text + "\nExample:\n  " + verb.example;
}

/// Makes the subcommand of a verb; "keys new" is one of "keys".
CLI::App* command_of(CLI::App& app, const VerbDescription& verb) {
  const auto space = verb.name.find(' ');
  if (space == std::string::npos) return app.add_subcommand(verb.name, verb.summary);
  const std::string noun = verb.name.substr(0, space);
  CLI::App* parent = nullptr;
  try {
    parent = app.get_subcommand(noun);
  } catch (const CLI::OptionNotFound&) {
    parent = app.add_subcommand(noun, "")->require_subcommand(1);
  }
  CLI::App* command = parent->add_subcommand(verb.name.substr(space + 1), verb.summary);
  std::string verbs;
  for (const auto* child : parent->get_subcommands(nullptr)) {
    verbs += (verbs.empty() ? "" : ", ") + child->get_name();
  }
  parent->description(verbs);
  return command;
}

/// Looks for `-o json` by itself: a user who asks for JSON gets JSON, even if the rest of the line
/// makes no sense.
bool wants_json(int argc, const char* const* argv) {
  const std::vector<std::string> words(argv, argv + argc);
  for (std::size_t i = 1; i < words.size(); ++i) {
    const bool option = words[i] == "-o" || words[i] == "--output";
    const std::string value = option && i + 1 < words.size()          ? words[i + 1]
                              : words[i].starts_with("--output=")     ? words[i].substr(9)
                              : words[i].starts_with("-o") && !option ? words[i].substr(2)
                                                                      : "";
    if (value == "json" || value == "jsonl") return true;
  }
  const char* set = std::getenv("TROUPE_OUTPUT");
  return set != nullptr && std::string(set).starts_with("json");
}

/// The deepest command that the line names.
const CLI::App* chosen_of(const CLI::App& app) {
  const CLI::App* chosen = &app;
  while (!chosen->get_subcommands().empty()) chosen = chosen->get_subcommands().front();
  return chosen;
}

/// The options, or the verbs, that are allowed in place of `word`.
std::vector<std::string> candidates_for(const std::string& word, const CLI::App& command) {
  std::vector<std::string> names;
  if (word.starts_with("-")) {
    for (const auto* option : command.get_options()) {
      for (const auto& name : option->get_lnames()) names.push_back("--" + name);
    }
  } else {
    for (const auto* child : command.get_subcommands(nullptr)) names.push_back(child->get_name());
  }
  return names;
}

Error misuse(const CLI::ParseError& parsed, const CLI::App& app) {
  Error error = make_error(ErrorCode::invalid_argument, "{}", parsed.what());
  error.hint = "`troupe --help` shows the verbs, `troupe VERB --help` what one takes";
  const auto unknown = app.remaining(true);
  // If a verb is misspelt, CLI11 reports that it is missing.
  const bool known_kind = dynamic_cast<const CLI::ExtrasError*>(&parsed) != nullptr ||
                          dynamic_cast<const CLI::RequiredError*>(&parsed) != nullptr;
  if (!known_kind || unknown.empty()) return error;
  const CLI::App* command = chosen_of(app);
  const std::string word = unknown.front().substr(0, unknown.front().find('='));
  const bool option = word.starts_with("-");
  if (!option && command->get_subcommands(nullptr).empty()) return error;
  const std::string where = command == &app ? "troupe" : "troupe " + command->get_name();
  error.message = option ? fmt::format("`{}` has no option '{}'", where, word)
                         : fmt::format("`{}` has no verb '{}'", where, word);
  const std::string near = did_you_mean(word, candidates_for(word, *command));
  if (!near.empty()) error.hint = near;
  return error;
}

int misused(const Error& error, const GlobalOptions& global, bool json) {
  Output(json ? OutputFormat::jsonl : OutputFormat::table, global.colours(STDOUT_FILENO),
         global.colours(STDERR_FILENO), global.quiet)
      .error(error);
  return static_cast<int>(ExitCode::wrong_use);
}

}  // namespace

std::string VerbArgument::key() const {
  const auto comma = names.rfind(',');
  const std::string last = comma == std::string::npos ? names : names.substr(comma + 1);
  return last.substr(std::min(last.find_first_not_of('-'), last.size()));
}

std::string VerbArguments::text(const std::string& key) const {
  const auto found = values_.find(key);
  return found == values_.end() || found->second.empty() ? "" : found->second.front();
}

std::vector<std::string> VerbArguments::list(const std::string& key) const {
  const auto found = values_.find(key);
  return found == values_.end() ? std::vector<std::string>{} : found->second;
}

Result<std::uint32_t> VerbArguments::integer(const std::string& key, std::uint32_t min,
                                             std::uint32_t max) const {
  const std::string word = text(key);
  std::uint32_t number = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), number);
  if (word.empty() || error != std::errc() || end != word.data() + word.size() || number < min ||
      number > max) {
    const std::string option = "--" + key;
    return wrong_use(option, make_error(ErrorCode::invalid_argument,
                                        "{} wants a whole number from {} to {}, not '{}'", option,
                                        min, max, word));
  }
  return number;
}

int CommandLine::run(int argc, const char* const* argv) {
  CLI::App app("Troupe: scheduled work, batch and streaming jobs as one graph of actors.",
               "troupe");
  app.set_version_flag("--version", version_text);
  app.require_subcommand(0, 1);
  app.get_formatter()->column_width(28);
  GlobalOptions global;
  global.add_to(app);

  std::map<const CLI::App*, const Verb*> commands;
  std::map<const Verb*, VerbArguments> given;
  std::map<const Verb*, std::map<std::string, bool>> flags;
  for (const auto& verb : verbs_) {
    const VerbDescription& description = verb->description();
    CLI::App* command = command_of(app, description);
    command->footer(footer_of(description));
    global.add_to(*command);
    commands[command] = verb.get();
    auto& values = given[verb.get()].values_;
    for (const VerbArgument& argument : description.arguments) {
      CLI::Option* option = nullptr;
      if (argument.kind == VerbArgument::Kind::flag) {
        option =
            command->add_flag(argument.names, flags[verb.get()][argument.key()], argument.help);
      } else {
        option = command->add_option(argument.names, values[argument.key()], argument.help);
        option->expected(1, argument.kind == VerbArgument::Kind::list
                                ? CLI::detail::expected_max_vector_size
                                : 1);
        if (argument.kind == VerbArgument::Kind::list && argument.names.front() == '-') {
          option->expected(1)->take_all();
        }
        // Else CLI11 lets a vector take all words that follow, also those of the next argument.
        const bool takes_all =
            argument.kind == VerbArgument::Kind::list && argument.names.front() != '-';
        option->allow_extra_args(takes_all);
        if (!argument.default_value.empty()) option->default_str(argument.default_value);
        if (!argument.value_name.empty()) option->type_name(argument.value_name);
        option->required(argument.required);
      }
      if (!argument.environment.empty()) option->envname(argument.environment);
    }
  }

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);
    return misused(misuse(error, app), global, wants_json(argc, argv));
  }

  log::Level level = log::Level::warn;
  const bool level_known = log::parse_level(global.log_level, level);
  log::set_up(level);
  const auto format = parse_output_format(global.output);
  Output out(format ? *format : OutputFormat::table, global.colours(STDOUT_FILENO),
             global.colours(STDERR_FILENO), global.quiet);
  if (!format || !level_known) {
    out.error(format
                  ? make_error(ErrorCode::invalid_argument, "no log level '{}'", global.log_level)
                  : format.error());
    return static_cast<int>(ExitCode::wrong_use);
  }
  const CLI::App* chosen = chosen_of(app);
  if (!commands.contains(chosen)) {
    out.write(app.help());
    return 0;
  }
  const Verb* verb = commands[chosen];
  VerbArguments& arguments = given[verb];
  for (const VerbArgument& argument : verb->description().arguments) {
    auto& values = arguments.values_[argument.key()];
    if (values.empty() && !argument.default_value.empty()) values = {argument.default_value};
    if (values.empty()) arguments.values_.erase(argument.key());
    if (flags[verb][argument.key()]) arguments.flags_[argument.key()] = true;
  }

  VerbContext context{out, registry_, argv[0]};
  const Result<ExitCode> result = verb->run(arguments, context);
  if (result) return static_cast<int>(*result);
  out.error(result.error());
  return static_cast<int>(exit_code_of(result.error()));
}

}  // namespace troupe
