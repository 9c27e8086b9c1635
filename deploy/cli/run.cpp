#include "actors/node/node.hpp"
#include "deploy/cli/descriptor_input.hpp"
#include "deploy/cli/executor_processes.hpp"
#include "deploy/cli/printed.hpp"
#include "deploy/cli/run_path.hpp"
#include "deploy/cli/run_text.hpp"
#include "deploy/cli/signals.hpp"
#include "runtime/base/json.hpp"
#include "runtime/os/clock.hpp"
#include "runtime/os/temporary_directory.hpp"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <signal.h>
#include <thread>

namespace troupe {
namespace {

constexpr auto glance_every = std::chrono::milliseconds(100);
/// The pause between two looks while a kill is planned, which must not come late.
constexpr auto look_every = std::chrono::milliseconds(2);
/// Our own executors on this machine need no long lease.
constexpr double local_lease_s = 2;

std::uint32_t cores() { return std::max(1u, std::thread::hardware_concurrency()); }

/// One run from its submission to its end, watched from outside.
class WatchedRun {
 public:
  WatchedRun(Control& control, const Output& out, ExecutorProcesses* executors,
             std::optional<double> kill_at, bool streams)
      : control_(control), out_(out), executors_(executors), kill_at_(kill_at), streams_(streams) {}

  Result<RunView> follow(RunId run) {
    struct Ending {
      std::mutex mutex;
      std::condition_variable over;
      std::optional<Result<RunView>> view;
    };
    const auto ending = std::make_shared<Ending>();
    control_.ask(AwaitEnd{.run = run, .tidied = true}, [ending](Result<RunView> view) {
      const std::lock_guard lock(ending->mutex);
      ending->view = std::move(view);
      ending->over.notify_all();
    });
    const Instant from = system_clock().now();
    for (;;) {
      {
        std::unique_lock lock(ending->mutex);
        ending->over.wait_for(lock, kill_at_ ? look_every : glance_every,
                              [&] { return ending->view.has_value(); });
        if (ending->view) break;
      }
      TRY(look(run, from));
    }
    out_.progress("");
    return std::move(*ending->view);
  }

  const std::optional<NodeId>& killed() const { return killed_; }

 private:
  Result<> look(RunId run, Instant from) {
    if (signals_noted() > heard_) on_signal(run);
    const RunView view = TRY(answer_of(control_, ShowRun{run}));
    const double seconds = std::chrono::duration<double>(system_clock().now() - from).count();
    out_.progress(run_progress(view, seconds));
    if (executors_ == nullptr) return {};
    if (kill_at_) TRY(kill_one(view));
    return executors_->tend();
  }

  /// A stream ends in order at the first one: after a last epoch, with all of it committed.
  void on_signal(RunId run) {
    heard_ = signals_noted();
    if (streams_ && heard_ == 1) {
      control_.ask(StopRun{run, "a signal"}, [](Result<RunView>) {});
      out_.say("a last epoch is taken and committed; another signal cancels the run at once");
    } else {
      control_.ask(CancelRun{run, "a signal"}, [](Result<RunView>) {});
    }
  }

  /// When the moment has come, kills the executor that holds most of the work.
  Result<> kill_one(const RunView& view) {
    if (view.tasks == 0 || view.state != RunState::running ||
        view.tasks_finished < *kill_at_ * view.tasks) {
      return {};
    }
    std::map<NodeId, int> held;
    for (const TaskView& task : view.task_list) {
      if (task.state == TaskState::running || task.state == TaskState::finished) ++held[task.node];
    }
    if (held.empty()) return {};
    const auto most = std::max_element(
        held.begin(), held.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
    killed_ = most->first;
    kill_at_.reset();
    TRY(executors_->kill(*killed_));
    out_.say(fmt::format("killed {} (SIGKILL) with {} of {} tasks done", *killed_,
                         view.tasks_finished, view.tasks));
    return {};
  }

  Control& control_;
  const Output& out_;
  ExecutorProcesses* executors_;
  std::optional<double> kill_at_;
  std::optional<NodeId> killed_;
  const bool streams_;
  int heard_ = 0;  ///< signals
};

class RunVerb final : public Verb {
 public:
  const VerbDescription& description() const override {
    static const VerbDescription description = [] {
      VerbDescription verb{
          .name = "run",
          .summary = "runs a job here, without a server, and answers with its result",
          .arguments = descriptor_arguments(),
          .example = "troupe run late.yaml -p data=/data --executors 2"};
      verb.arguments.push_back({.names = "--executors",
                                .help = "executor processes; 0: everything in this process",
                                .value_name = "N",
                                .default_value = "0"});
      verb.arguments.push_back({.names = "--parallelism",
                                .help = "subtasks of a stage; 0: one a core",
                                .value_name = "N",
                                .default_value = "0"});
      verb.arguments.push_back(
          {.names = "--rehearse-kill",
           .help = "kill an executor with SIGKILL once this share of the tasks is done, to see the "
                   "job recover",
           .value_name = "SHARE"});
      return verb;
    }();
    return description;
  }

  Result<ExitCode> run(const VerbArguments& arguments, VerbContext& context) const override {
    const std::uint32_t executors = TRY(arguments.integer("executors", 0, executors_max));
    std::uint32_t parallelism = TRY(arguments.integer("parallelism", 0, parallelism_max));
    if (parallelism == 0) parallelism = std::max(cores(), executors);
    const auto kill_at = TRY(from_argument("--rehearse-kill", kill_share(arguments, executors)));
    auto job = TRY(load_job(arguments, context));
    if (!job) return ExitCode::invalid;

    const bool streams = job->graph.settings.mode == JobMode::streaming;
    note_signals(streams ? 2 : 1);
    std::optional<TemporaryDirectory> directory;
    if (executors > 0) directory.emplace(TRY(TemporaryDirectory::make("troupe-run")));
    auto node =
        TRY(start_node(context, directory ? directory->path() : "", executors, parallelism));
    std::optional<ExecutorProcesses> processes;
    if (executors > 0) {
      processes = TRY(ExecutorProcesses::start({.program = own_program(),
                                                .directory = directory->path(),
                                                .coordinator_address = node->endpoint(),
                                                .slots = (parallelism + executors - 1) / executors,
                                                .lease_s = local_lease_s},
                                               executors));
    }
    const Result<ExitCode> outcome =
        submit(*node, std::move(job->graph), processes ? &*processes : nullptr, kill_at, context);
    if (processes) processes->stop();
    node->stop();
    if (noted_signal() == SIGTERM) return ExitCode::terminated;
    return noted_signal() ? ExitCode::interrupted : outcome;
  }

 private:
  static Result<std::optional<double>> kill_share(const VerbArguments& arguments,
                                                  std::uint32_t executors) {
    if (!arguments.has("rehearse-kill")) return std::optional<double>();
    const std::string word = arguments.text("rehearse-kill");
    char* end = nullptr;
    const double share = std::strtod(word.c_str(), &end);
    if (word.empty() || *end != '\0' || share < 0 || share > 1) {
      return make_error(ErrorCode::invalid_argument, "--rehearse-kill wants a share from 0 to 1");
    }
    if (executors < 2) {
      return make_error(ErrorCode::invalid_argument, "--rehearse-kill needs --executors 2 or more");
    }
    return std::optional<double>(share);
  }

  static Result<std::unique_ptr<Node>> start_node(VerbContext& context,
                                                  const std::string& directory,
                                                  std::uint32_t executors,
                                                  std::uint32_t parallelism) {
    NodeConfig config;
    config.parallelism = parallelism;
    config.slots = parallelism;
    if (executors == 0) {
      config.keep_blocking_edges = false;
      return Node::start(std::move(config), context.registry);
    }
    TRY(ExecutorProcesses::make_keys(directory, executors));
    config.name = ExecutorProcesses::coordinator_name();
    config.roles = {Role::coordinator};
    config.bind = "tcp://127.0.0.1:0";
    config.keys_directory = ExecutorProcesses::keys_of(directory, config.name);
    config.lease =
        std::chrono::duration_cast<Duration>(std::chrono::duration<double>(local_lease_s));
    config.heartbeat = config.lease / 8;
    return Node::start(std::move(config), context.registry);
  }

  static Result<ExitCode> submit(Node& node, JobGraph graph, ExecutorProcesses* executors,
                                 std::optional<double> kill_at, VerbContext& context) {
    Control& control = node.control();
    const bool streams = graph.settings.mode == JobMode::streaming;
    const RunStarted started =
        TRY(answer_of(control, SubmitRun{.graph = std::move(graph), .submitted_by = "troupe run"}));
    WatchedRun watched(control, context.out, executors, kill_at, streams);
    const RunView view = TRY(watched.follow(started.run));
    const OutputList list = TRY(answer_of(control, ReadOutput{started.run}));
    if (kill_at && !watched.killed()) {
      context.out.warning("the run ended before an executor could be killed");
    }
    return report(context.out, view, list.outputs);
  }

  /// The job's tables go to standard output; the story of the run is talk.
  static Result<ExitCode> report(const Output& out, const RunView& view,
                                 const std::vector<OutputView>& outputs) {
    if (out.json()) {
      out.object(TRY(run_json(view, outputs)));
    } else {
      for (const auto& output : outputs) out.write(TRY(printed_text(output, out.format())));
      out.say(run_headline(view));
      if (view.state == RunState::suspended) out.say(how_it_stopped(view));
      if (!view.error.empty()) out.error(Error{ErrorCode::internal, view.error, view.hint});
    }
    return exit_code_of_end(view);
  }

  /// What it kept to go on from is gone with its node.
  static std::string how_it_stopped(const RunView& view) {
    if (!view.epoch || *view.epoch == Epoch()) return "stopped before its first epoch";
    return fmt::format("stopped after epoch {}, all committed", *view.epoch);
  }
};

}  // namespace

void register_run(VerbList& verbs) { verbs.push_back(std::make_unique<RunVerb>()); }

}  // namespace troupe
