// What an event costs the coordinator while many runs wait for slots: CPU time a report, and a run
// from its grant to its end, with 10 open runs and with 10,000. Prints one JSON object a case.
// `bench-admission [open runs]...`
#include "runtime/coordinator/coordinator_machine.hpp"

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <deque>

namespace troupe {
namespace {

const NodeId node_id("n");
constexpr std::uint32_t slots = 2;
constexpr int reports = 20'000;
constexpr int runs_to_end = 2'000;

double cpu_seconds() {
  timespec now = {};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

/// One source that writes, in one subtask: what a run may have least of.
TaskGraph one_task() {
  TaskGraph graph;
  Stage& stage = graph.stages.emplace_back();
  stage.id = StageId(0);
  return graph;
}

/// A coordinator whose disk, planner and sinks answer at once, and one node whose tasks do what
/// they are told when they are asked to.
class Cluster {
 public:
  Cluster() : machine_({}, image(), Instant(1h)) {
    carry(machine_.start(Instant(1h)));
    report(JoinCluster{ClusterId("c"), node_id, Incarnation(1), Term(1), "", slots});
    report(Inventory{Incarnation(1), Term(1), asked_, {}});
  }

  void submit() {
    Submission job;
    job.job = JobName("job");
    job.plan = plan_;
    tell(coordinator_event::Submit{0, std::move(job)});
  }
  bool idle() const { return running_.empty(); }
  /// A report that changes nothing but counters.
  void progress() {
    TaskProgress report;
    report.token = running_.front();
    this->report(std::move(report));
  }
  /// The task that was begun first ends, and its run with it; whoever waits is given its slot.
  void finish_one() {
    TaskFinished report;
    report.token = running_.front();
    running_.pop_front();
    this->report(std::move(report));
  }

 private:
  static ClusterImage image() {
    ClusterImage image;
    image.cluster = ClusterId("c");
    image.term = Term(1);
    return image;
  }
  void report(Report report) { tell(coordinator_event::Received{node_id, std::move(report)}); }
  void tell(const CoordinatorEvent& event) {
    carry(machine_.on(event, Instant(1h)));
    // As the shell does after every event.
    (void)machine_.next_deadline();
  }
  void carry(const Effects& effects) {
    for (const Effect& effect : effects) {
      std::visit([this](const auto& each) { carry_out(each); }, effect);
    }
  }
  void carry_out(const effect::Persist& persist) {
    tell(coordinator_event::Persisted{persist.ticket});
  }
  void carry_out(const effect::PlanTasks& plan) {
    tell(coordinator_event::Planned{plan.run, one_task()});
  }
  void carry_out(const effect::Send& send) {
    if (const auto* adopt = std::get_if<Adopt>(&send.command)) asked_ = adopt->token.seq;
    if (const auto* deploy = std::get_if<DeployTask>(&send.command)) {
      report(TaskReady{deploy->token});
    }
    if (const auto* start = std::get_if<StartTask>(&send.command)) {
      running_.push_back(start->token);
    }
    if (const auto* errand = std::get_if<DoErrand>(&send.command)) {
      report(ErrandDone{errand->token, errand->number});
    }
  }
  template <class Other>
  void carry_out(const Other&) {}

  CoordinatorMachine machine_;
  std::shared_ptr<const std::string> plan_ = std::make_shared<const std::string>("plan");
  std::uint64_t asked_ = 0;
  std::deque<Token> running_;
};

void measure(int open_runs) {
  Cluster cluster;
  for (int i = 0; i < open_runs; ++i) cluster.submit();
  double begin = cpu_seconds();
  for (int i = 0; i < reports; ++i) cluster.progress();
  const double report = (cpu_seconds() - begin) / reports;
  begin = cpu_seconds();
  for (int i = 0; i < runs_to_end; ++i) {
    cluster.finish_one();
    cluster.submit();
  }
  const double run = (cpu_seconds() - begin) / runs_to_end;
  std::printf(
      "{\"suite\":\"coordinator\",\"case\":\"%d open runs\",\"cpu_us_per_report\":%.2f,"
      "\"cpu_us_per_run\":%.1f}\n",
      open_runs, report * 1e6, run * 1e6);
}

}  // namespace
}  // namespace troupe

int main(int count, char** arguments) {
  if (count == 1) {
    for (const int open_runs : {10, 100, 1'000, 9'990}) troupe::measure(open_runs);
  }
  for (int i = 1; i < count; ++i) troupe::measure(std::atoi(arguments[i]));
}
