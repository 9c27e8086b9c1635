#pragma once

#include "actors/coordinator/coordinator_actor.hpp"
#include "actors/coordinator/run_metrics.hpp"
#include "actors/coordinator/run_view.hpp"
#include "actors/coordinator/serial_queue.hpp"
#include "runtime/os/random.hpp"

#include <map>
#include <optional>
#include <set>
#include <vector>

namespace troupe {

/// The COORDINATOR actor; private to this room, split over `coordinator_actor.cpp` (events and
/// the driver's hands) and `control.cpp` (clients' questions).
class CoordinatorActor final : public ActorOf<CoordinatorActor, CoordinatorTold, Reported, Asked,
                                              EventsAwaited, TasksCounted, ImageRead, Written>,
                               private CoordinatorHands {
 public:
  CoordinatorActor(CoordinatorStart start, CoordinatorServices services);

  void on(const CoordinatorTold& told);
  void on(const Reported& reported);
  void on(const Asked& asked);
  void on(const EventsAwaited& awaited);
  void on(const TasksCounted& counted);
  void on(const ImageRead& read);
  void on(const Written& written);

  // What clients ask, a function a request: the answers come from the machine where it knows, from
  // the store otherwise.
  void handle(const ApplyJob& asked, AnswerTo<ApplyJob> answer);
  void handle(const SubmitRun& asked, AnswerTo<SubmitRun> answer);
  void handle(const ValidateJob& asked, AnswerTo<ValidateJob> answer);
  template <class R>
  void handle(const FromDescriptor<R>& asked, AnswerTo<FromDescriptor<R>> answer);
  void handle(const StartJob& asked, AnswerTo<StartJob> answer);
  void handle(const CancelRun& asked, AnswerTo<CancelRun> answer);
  void handle(const StopRun& asked, AnswerTo<StopRun> answer);
  void handle(const ResumeRun& asked, AnswerTo<ResumeRun> answer);
  void handle(const ShowRun& asked, AnswerTo<ShowRun> answer);
  void handle(const AwaitEnd& asked, AnswerTo<AwaitEnd> answer);
  void handle(const ListRuns& asked, AnswerTo<ListRuns> answer);
  void handle(const ListJobs& asked, AnswerTo<ListJobs> answer);
  void handle(const ListNodes& asked, AnswerTo<ListNodes> answer);
  void handle(const ListEvents& asked, AnswerTo<ListEvents> answer);
  void handle(const ListCheckpoints& asked, AnswerTo<ListCheckpoints> answer);
  void handle(const ReadOutput& asked, AnswerTo<ReadOutput> answer);

 protected:
  void start() override;

 private:
  /// An executor that was told something and has not ended.
  struct KnownExecutor {
    Incarnation incarnation;
    ExecutorPort port;
  };
  /// What of a run outlives its machine and is in no row.
  struct RunNote {
    JobName job;
    std::size_t restarts = 0;
    std::optional<Duration> recovered_in;
  };

  // Of the driver.
  void decided(const Effects& effects) override;
  void write(StoreSteps steps) override;
  void send(effect::Send sent) override;
  void plan(effect::PlanTasks work) override;
  void refused(const effect::RefuseReport& report) override;
  void run_ended(const effect::RunEnded& run) override;
  void wake_at(std::optional<Instant> at) override;
  void over(const Error& reason) override;

  /// Not before the store was read.
  const CoordinatorMachine& machine() const { return *driver_.machine(); }
  const ExecutorPort& executor(const NodeId& node, Incarnation incarnation);
  void executor_down(const NodeId& node, Incarnation incarnation, const Down& down);
  void count(const Record& record);
  void count(const TaskProgress& progress);
  void count_streams(const RunMachine& job);
  bool streams(RunId run) const;

  /// Reads the store away from this thread, waiting for no write; `answer` is given there too.
  template <class T>
  void from_store(std::function<Result<T>(MetadataStore&)> read,
                  std::function<void(Result<T>)> then);
  /// Asks this actor itself, from any thread.
  template <class R>
  static void ask(const CoordinatorRef& coordinator, R request, AnswerTo<R> answer);
  /// Answers with what the store has; where that is nothing, looks again while the client waits.
  void look_for_events(EventsAwaited awaited);
  RunView view_of_live(const RunMachine& job);
  /// What the run's commit waits for.
  std::string waits(const RunMachine& job) const;
  /// Subtasks of a stage for a run that is submitted now and does not say.
  std::uint32_t usual_parallelism() const;
  std::shared_ptr<const JobGraph> job_graph(RunId run, const std::string& plan);

  const CoordinatorStart start_;
  const CoordinatorServices services_;
  // Two, because whoever reads does not wait for whoever writes.
  std::shared_ptr<SerialQueue> writes_;
  std::shared_ptr<SerialQueue> reads_;
  MetricCounter& refused_reports_;
  RunMetrics run_metrics_;

  CoordinatorDriver driver_;
  std::map<NodeId, KnownExecutor> executors_;
  std::vector<Asked> early_asked_;  ///< before the store was read
  std::optional<TimerId> timer_;
  Random random_ = Random::from_system();  ///< what makes a run unlike any other of its number
  std::map<RunId, RunNote> notes_;         ///< of runs of this coordinator's life, the newest
  std::map<RunId, std::shared_ptr<const JobGraph>> graphs_;
  std::map<RunId, Instant> positions_told_;  ///< of streaming runs
};

/// Runs whose recovery time is remembered after their end; older ones show without it.
inline constexpr std::size_t run_notes_max = 1024;

}  // namespace troupe
