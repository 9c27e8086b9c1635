#include "actors/node/node.hpp"
#include "deploy/cli/collected_rows.hpp"
#include "deploy/cli/descriptor_input.hpp"
#include "runtime/base/json.hpp"
#include "runtime/base/log.hpp"
#include "runtime/descriptor/job_test.hpp"
#include "runtime/graph/path_limits.hpp"

#include <optional>
#include <regex>

namespace troupe {
namespace {

/// Tests have few rows; two subtasks are enough to find a result that depends on their number.
constexpr std::uint32_t test_parallelism = 2;

/// The tests of one file, run or not.
struct TestedFile {
  std::string file;
  std::vector<Diagnostic> mistakes;
  std::vector<TestReport> reports;
};

Result<TestFilter> parse_filter(const VerbArguments& arguments) {
  if (!arguments.has("filter")) return TestFilter();
  try {
    const std::regex pattern(arguments.text("filter"));
    return TestFilter(
        [pattern](const std::string& name) { return std::regex_search(name, pattern); });
  } catch (const std::regex_error& error) {
    return wrong_use("--filter", make_error(ErrorCode::invalid_argument,
                                            "--filter '{}' is no regular expression: {}",
                                            arguments.text("filter"), error.what()));
  }
}

/// Runs graphs of tests on a node of this process, one after another, as `troupe run` does.
class TestBench {
 public:
  static Result<std::unique_ptr<TestBench>> start(const OperatorRegistry& registry) {
    log::set_level(log::Level::off);  // failures are told with their tests
    auto bench = std::make_unique<TestBench>();
    // Limits nothing. It makes a copy of the registry, to which `collect` can be added.
    bench->registry_ = limited_to(registry, TRY(AllowedPaths::make(registry.files(), {})));
    bench->rows_.add_to(*bench->registry_);
    bench->node_ = TRY(Node::start(
        {.slots = test_parallelism, .parallelism = test_parallelism, .keep_blocking_edges = false},
        *bench->registry_));
    return bench;
  }

  RunGraph runner() {
    return [this](const JobGraph& graph, const std::set<std::string>& collect) {
      return run(graph, collect);
    };
  }

 private:
  Result<std::map<std::string, std::vector<Batch>>> run(const JobGraph& graph,
                                                        const std::set<std::string>& collect) {
    Control& control = node_->control();
    JobGraph collecting = rows_.collecting(graph, collect);
    // A failure of a task is a failure of its test: a second attempt would only cost time.
    collecting.settings.restart.attempts = 0;
    const RunStarted started = TRY(answer_of(
        control, SubmitRun{.graph = std::move(collecting), .submitted_by = "troupe test"}));
    const RunView view = TRY(answer_of(control, AwaitEnd{.run = started.run, .tidied = true}));
    auto rows = rows_.take();
    if (view.state == RunState::succeeded) return rows;
    return Error{ErrorCode::invalid_argument, view.error, view.hint};
  }

  std::optional<OperatorRegistry> registry_;  ///< the program's operators, and `collect`
  CollectedRows rows_;
  std::unique_ptr<Node> node_;
};

Json to_json(const TestedFile& tested) {
  Json tests = Json::array();
  for (const TestReport& report : tested.reports) {
    tests.push_back({{"name", report.name},
                     {"line", report.line},
                     {"passed", report.passed()},
                     {"failures", report.failures}});
  }
  Json mistakes = Json::array();
  for (const Diagnostic& mistake : tested.mistakes) mistakes.push_back(render_json(mistake));
  return {{"file", tested.file}, {"mistakes", mistakes}, {"tests", tests}};
}

void print(const Output& out, const TestedFile& tested) {
  if (tested.mistakes.empty() && tested.reports.empty()) {
    out.say(fmt::format("{}: no tests", tested.file));
  }
  for (const TestReport& report : tested.reports) {
    out.line(fmt::format("{} {}:{}: {}", report.passed() ? "ok  " : "FAIL", tested.file,
                         report.line, report.name));
    for (const std::string& failure : report.failures) out.line(failure);
  }
}

class TestVerb final : public Verb {
 public:
  const VerbDescription& description() const override {
    static const VerbDescription description{
        .name = "test",
        .summary = "runs the tests in descriptors: given rows in, expected rows out",
        .arguments = {{.names = "FILE",
                       .kind = VerbArgument::Kind::list,
                       .help = "job descriptors",
                       .required = true},
                      {.names = "-p,--param",
                       .kind = VerbArgument::Kind::list,
                       .help = "a parameter of the job",
                       .value_name = "NAME=VALUE"},
                      {.names = "--filter",
                       .help = "only tests whose name has a match of this expression",
                       .value_name = "RE"}},
        .example = "troupe test examples/flights/flights.yaml",
        .details =
            "Nothing is written: sinks do not run. Exit code 1 where a test fails, 3 where\n"
            "a descriptor is wrong."};
    return description;
  }

  Result<ExitCode> run(const VerbArguments& arguments, VerbContext& context) const override {
    const TestFilter filter = TRY(parse_filter(arguments));
    const auto parameters = TRY(parse_parameters(arguments));
    const auto bench = TRY(TestBench::start(context.registry));
    std::size_t passed = 0, failed = 0;
    std::vector<Diagnostic> mistakes;
    Json files = Json::array();
    for (const std::string& file : arguments.list("FILE")) {
      const TestedFile tested = TRY(test_file(file, parameters, filter, context.registry, *bench));
      for (const auto& report : tested.reports) ++(report.passed() ? passed : failed);
      mistakes.insert(mistakes.end(), tested.mistakes.begin(), tested.mistakes.end());
      if (context.out.json()) {
        files.push_back(to_json(tested));
      } else {
        print(context.out, tested);
      }
    }
    if (context.out.json()) {
      context.out.object({{"passed", passed}, {"failed", failed}, {"files", files}});
    } else {
      print_mistakes(context.out, mistakes);
      context.out.line(fmt::format("{} passed, {} failed", passed, failed));
    }
    if (!mistakes.empty()) return ExitCode::invalid;
    return failed > 0 ? ExitCode::failed : ExitCode::done;
  }

 private:
  static Result<TestedFile> test_file(const std::string& file,
                                      const std::map<std::string, std::string>& parameters,
                                      const TestFilter& filter, const OperatorRegistry& registry,
                                      TestBench& bench) {
    const std::string text = TRY(read_descriptor(file));
    const std::string name = file == "-" ? "stdin" : file;
    const CheckOptions options{
        .last = CheckStage::graph, .parameters = parameters, .open_parameters = true};
    CheckedJob checked = check_job(name, text, registry, options);
    TestedFile tested{name, std::move(checked.mistakes), {}};
    if (!tested.mistakes.empty()) return tested;
    tested.reports = TRY(run_tests(name, text, registry, bench.runner(), filter, parameters));
    return tested;
  }
};

}  // namespace

void register_test(VerbList& verbs) { verbs.push_back(std::make_unique<TestVerb>()); }

}  // namespace troupe
