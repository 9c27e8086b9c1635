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
/// effects) and `control.cpp` (clients' questions).
class CoordinatorActor final
    : public ActorOf<CoordinatorActor, CoordinatorTold, Reported, ControlCall, ImageRead, Written> {
 public:
  CoordinatorActor(CoordinatorStart start, CoordinatorServices services);

  void on(const CoordinatorTold& told);
  void on(const Reported& reported);
  void on(const ControlCall& call);
  void on(const ImageRead& read);
  void on(const Written& written);

  // What clients ask; the answers come from the machine where it knows, from the store otherwise.
  void apply(JobGraph graph, SubmitOptions options, Control::Answer<JobView> answer);
  void submit(JobGraph graph, SubmitOptions options, Control::Answer<RunId> answer);
  void start_job(JobName job, SubmitOptions options, Control::Answer<RunId> answer);
  void cancel_run(RunId run, std::string reason, Control::Answer<RunView> answer);
  void show(RunId run, Control::Answer<RunView> answer);
  void await_end(RunId run, Control::Answer<RunView> answer);
  void runs(std::optional<JobName> job, std::optional<RunId> before, std::uint32_t limit,
            Control::Answer<std::vector<RunView>> answer);
  void jobs(Control::Answer<std::vector<JobView>> answer);
  void nodes(Control::Answer<std::vector<NodeView>> answer);
  void events(std::optional<RunId> run, std::uint64_t sequence, std::uint32_t limit,
              Control::Answer<std::vector<EventView>> answer);
  void output(RunId run, Control::Answer<std::vector<OutputView>> answer);

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

  void tell(CoordinatorEvent event);
  void carry_out(Effects effects);
  void carry_out(effect::Persist& effect);
  void carry_out(effect::Look& effect);
  void carry_out(effect::Send& effect);
  const ExecutorPort& executor(const NodeId& node, Incarnation incarnation);
  void executor_down(const NodeId& node, Incarnation incarnation, const Down& down);
  void carry_out(effect::PlanTasks& effect);
  void carry_out(effect::CommitSink& effect);
  void carry_out(effect::CleanUpSinks& effect);
  void carry_out(effect::LeaveBehind&) {}
  void carry_out(effect::BlameNode&) {}
  void carry_out(effect::Continue&) {}
  void carry_out(effect::Reply& effect);
  void carry_out(effect::RunEnded& effect);
  void carry_out(effect::Halt& effect);
  void carry_out(effect::RefuseReport& effect);
  void ask_store();
  void give_up(Error reason);
  void set_timer();
  void note_recoveries();
  void count(const Record& record);

  /// Runs `work` on the I/O pool; what `event_of` makes of its Result is told to the machine.
  template <class Work, class EventOf>
  void off_thread(Work work, EventOf event_of);
  /// Reads the store away from this thread, waiting for no write; `answer` is given there too.
  template <class T>
  void from_store(std::function<Result<T>(MetadataStore&)> read, Control::Answer<T> answer);
  RunView view_of_live(const RunMachine& job);
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

  std::optional<CoordinatorMachine> machine_;
  std::map<NodeId, KnownExecutor> executors_;
  std::vector<CoordinatorEvent> early_;  ///< told before the store was read
  std::vector<ControlCall> early_calls_;
  StoreSteps for_store_;  ///< in the order in which they were decided
  std::uint64_t last_ticket_ = 0;
  bool store_busy_ = false;
  std::optional<TimerId> timer_;
  std::uint64_t last_request_ = 0;
  Random random_ = Random::from_system();  ///< what makes a run unlike any other of its number
  std::map<std::uint64_t, Control::Answer<RunId>> requests_;
  std::map<RunId, std::vector<Control::Answer<RunView>>> waiting_for_end_;
  std::map<RunId, RunNote> notes_;  ///< of runs of this coordinator's life, the newest
  std::map<RunId, std::shared_ptr<const JobGraph>> graphs_;
};

/// Runs whose recovery time is remembered after their end; older ones show without it.
inline constexpr std::size_t run_notes_max = 1024;

}  // namespace troupe
