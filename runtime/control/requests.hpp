#pragma once

#include "runtime/control/views.hpp"
#include "runtime/descriptor/diagnostic.hpp"
#include "runtime/graph/job_graph.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <variant>
#include <vector>

namespace troupe {

// The requests of clients to a cluster. A request is a struct that names its `Answer` and lists its
// arguments. One handler answers it (`actors/coordinator`), whether it comes from the gateway (by
// the table in `routes.hpp`), from `troupe run`, or from a service that embeds a node.

struct RunStarted {
  static constexpr const char* schema = "Started";

  RunId run;

  static constexpr auto fields() { return std::tuple{field("run", &RunStarted::run)}; }
};

/// The descriptor has no mistake; this is the version of the job that it describes.
struct Validity {
  static constexpr const char* schema = "Validity";

  bool valid = true;
  std::string plan_hash;

  static constexpr auto fields() {
    return std::tuple{field("valid", &Validity::valid), field("plan_hash", &Validity::plan_hash)};
  }
};

struct RunPage {
  static constexpr const char* schema = "Runs";

  std::vector<RunView> runs;  ///< without their graphs and tasks
  std::optional<RunId> next;  ///< `before` of the next page, if there is one

  static constexpr auto fields() {
    return std::tuple{field("runs", &RunPage::runs),
                      field("next", &RunPage::next, Presence::optional)};
  }
};

struct JobList {
  static constexpr const char* schema = "Jobs";

  std::vector<JobView> jobs;

  static constexpr auto fields() { return std::tuple{field("jobs", &JobList::jobs)}; }
};

struct NodeList {
  static constexpr const char* schema = "Nodes";

  std::vector<NodeView> nodes;

  static constexpr auto fields() { return std::tuple{field("nodes", &NodeList::nodes)}; }
};

struct EventList {
  static constexpr const char* schema = "Events";

  std::vector<EventView> events;

  static constexpr auto fields() { return std::tuple{field("events", &EventList::events)}; }
};

struct OutputList {
  static constexpr const char* schema = "Outputs";

  std::vector<OutputView> outputs;

  static constexpr auto fields() { return std::tuple{field("outputs", &OutputList::outputs)}; }
};

struct CheckpointList {
  static constexpr const char* schema = "Checkpoints";

  std::vector<CheckpointView> checkpoints;

  static constexpr auto fields() {
    return std::tuple{field("checkpoints", &CheckpointList::checkpoints)};
  }
};

/// Stores a version of a job and runs nothing. To store the same plan again changes nothing.
struct ApplyJob {
  using Answer = JobView;
  static constexpr const char* name = "ApplyJob";
  static constexpr std::size_t fields_left_out = 3;  ///< all; HTTP carries a `FromDescriptor`

  JobGraph graph;
  std::string descriptor_text = {};  ///< as the user wrote it; kept with the job's version
  std::string submitted_by = {};

  static constexpr auto fields() { return std::tuple{}; }
};

/// Starts a run of a bound graph. Answered when the run is durable, before it starts.
struct SubmitRun {
  using Answer = RunStarted;
  static constexpr const char* name = "SubmitRun";
  static constexpr std::size_t fields_left_out = 3;  ///< the graph, its text, the submitter

  JobGraph graph;
  std::string idempotency_key = {};
  std::string descriptor_text = {};
  std::string submitted_by = {};

  static constexpr auto fields() {
    return std::tuple{field("idempotency_key", &SubmitRun::idempotency_key, Presence::optional,
                            "the same key gives the same run, however often it is sent")};
  }
};

/// Checks a bound graph; changes nothing.
struct ValidateJob {
  using Answer = Validity;
  static constexpr const char* name = "ValidateJob";
  static constexpr std::size_t fields_left_out = 1;  ///< the graph

  JobGraph graph;

  static constexpr auto fields() { return std::tuple{}; }
};

/// Starts a run of the stored version of a job.
struct StartJob {
  using Answer = RunStarted;
  static constexpr const char* name = "StartJob";
  static constexpr std::size_t fields_left_out = 1;  ///< the submitter

  JobName job;
  std::string idempotency_key = {};
  std::string submitted_by = {};

  static constexpr auto fields() {
    return std::tuple{
        field("job", &StartJob::job, Presence::required, "the job's name, with its namespace"),
        field("idempotency_key", &StartJob::idempotency_key, Presence::optional,
              "the same key gives the same run, however often it is sent")};
  }
};

/// Cancels a run; one that has ended stays as it is.
struct CancelRun {
  using Answer = RunView;
  static constexpr const char* name = "CancelRun";
  static constexpr std::size_t fields_left_out = 1;  ///< the reason, which the node sets

  RunId run;
  std::string reason = {};  ///< "a signal": for the log

  static constexpr auto fields() {
    return std::tuple{field("run", &CancelRun::run, Presence::required, "the run's number")};
  }
};

/// Lets a streaming run take a last epoch, with its state; once that is committed, the run is
/// SUSPENDED. One that is stays as it is.
struct StopRun {
  using Answer = RunView;
  static constexpr const char* name = "StopRun";
  static constexpr std::size_t fields_left_out = 1;  ///< the reason, which the node sets

  RunId run;
  std::string reason = {};  ///< "a signal": for the log

  static constexpr auto fields() {
    return std::tuple{field("run", &StopRun::run, Presence::required, "the run's number")};
  }
};

/// Starts a run that goes on from the last published epoch of one that is SUSPENDED, FAILED or
/// HALTED, with the job as it is stored now. `conflict` where that run has been resumed already, or
/// the job keeps other state now.
struct ResumeRun {
  using Answer = RunStarted;
  static constexpr const char* name = "ResumeRun";
  static constexpr std::size_t fields_left_out = 1;  ///< the submitter

  RunId run;
  std::string submitted_by = {};

  static constexpr auto fields() {
    return std::tuple{field("run", &ResumeRun::run, Presence::required, "the run's number")};
  }
};

/// One run, with its graph.
struct ShowRun {
  using Answer = RunView;
  static constexpr const char* name = "ShowRun";

  RunId run;

  static constexpr auto fields() {
    return std::tuple{field("run", &ShowRun::run, Presence::required, "the run's number")};
  }
};

/// Waits for an answer without end.
inline constexpr std::chrono::seconds forever = std::chrono::seconds::max();

/// Like `ShowRun`, but answered when the run has ended or the wait is over.
struct AwaitEnd {
  using Answer = RunView;
  static constexpr const char* name = "AwaitEnd";

  RunId run;
  std::chrono::seconds wait = forever;
  /// Until nothing is left beside its outputs, too, or a second later: for whoever looks there at
  /// once, or stops a node that keeps nothing, and so would stop the removal for good.
  bool tidied = false;

  static constexpr auto fields() {
    return std::tuple{
        field("run", &AwaitEnd::run, Presence::required, "the run's number"),
        field("wait", &AwaitEnd::wait, Presence::optional, "seconds to wait for its end"),
        field("tidied", &AwaitEnd::tidied, Presence::optional,
              "true: until what it left beside its outputs is removed, too")};
  }
};

inline constexpr std::uint32_t runs_per_page = 50;
inline constexpr std::uint32_t runs_per_page_max = 1000;

/// Runs, the newest first.
struct ListRuns {
  using Answer = RunPage;
  static constexpr const char* name = "ListRuns";

  JobName job = {};  ///< only its runs; empty: all
  RunId before = {};
  std::uint32_t limit = runs_per_page;  ///< kept between 1 and `runs_per_page_max`

  static constexpr auto fields() {
    return std::tuple{field("job", &ListRuns::job, Presence::optional, "only runs of this job"),
                      field("before", &ListRuns::before, Presence::optional,
                            "only runs older than this one; 0: all"),
                      field("limit", &ListRuns::limit, Presence::optional,
                            "at most so many runs, and never more than 1000")};
  }
};

struct ListJobs {
  using Answer = JobList;
  static constexpr const char* name = "ListJobs";

  static constexpr auto fields() { return std::tuple{}; }
};

struct ListNodes {
  using Answer = NodeList;
  static constexpr const char* name = "ListNodes";

  static constexpr auto fields() { return std::tuple{}; }
};

inline constexpr std::uint32_t events_per_answer = 500;

/// Events, the oldest first, at most `events_per_answer`. If there are none yet, the answer comes
/// when one happens or the wait is over.
struct ListEvents {
  using Answer = EventList;
  static constexpr const char* name = "ListEvents";

  std::optional<RunId> run = {};  ///< of one run; none: of the cluster
  std::uint64_t after = 0;
  std::chrono::seconds wait = std::chrono::seconds(0);

  static constexpr auto fields() {
    return std::tuple{field("run", &ListEvents::run, Presence::optional, "the run's number"),
                      field("after", &ListEvents::after, Presence::optional,
                            "only events after this sequence number"),
                      field("wait", &ListEvents::wait, Presence::optional,
                            "seconds to wait where there are none")};
  }
};

inline constexpr std::uint32_t checkpoints_per_answer = 100;
inline constexpr std::uint32_t checkpoints_per_answer_max = 1000;

/// The epochs of a streaming run, the newest first.
struct ListCheckpoints {
  using Answer = CheckpointList;
  static constexpr const char* name = "ListCheckpoints";

  RunId run;
  std::uint32_t limit = checkpoints_per_answer;  ///< kept between 1 and the maximum

  static constexpr auto fields() {
    return std::tuple{field("run", &ListCheckpoints::run, Presence::required, "the run's number"),
                      field("limit", &ListCheckpoints::limit, Presence::optional,
                            "at most so many epochs, and never more than 1000")};
  }
};

/// The tables that the print sinks of a run have committed.
struct ReadOutput {
  using Answer = OutputList;
  static constexpr const char* name = "ReadOutput";

  RunId run;

  static constexpr auto fields() {
    return std::tuple{field("run", &ReadOutput::run, Presence::required, "the run's number")};
  }
};

/// The answer to a request with a descriptor: the request's own answer, or the descriptor's
/// mistakes. Notes tell of things that are no mistake but worth knowing.
template <class T>
struct Checked {
  std::optional<T> done;
  std::vector<Diagnostic> mistakes = {};
  std::vector<std::string> notes = {};
};

/// A request whose graph a descriptor describes, the YAML of `docs/reference/descriptor.md`. It is
/// checked on the coordinator's node, so its files must be readable there.
template <class R>
struct FromDescriptor {
  using Request = R;
  using Answer = Checked<typename R::Answer>;
  static constexpr const char* name = R::name;

  std::string descriptor;
  std::string file = "descriptor";
  std::map<std::string, std::string> params = {};
  R request = {};  ///< its other arguments; the descriptor gives the graph

  static constexpr auto fields() {
    using Self = FromDescriptor;
    return std::tuple{
        field("descriptor", &Self::descriptor, Presence::required, "the YAML text of the job"),
        field("file", &Self::file, Presence::optional, "its name in messages"),
        field("params", &Self::params, Presence::optional, "parameters of the job, by their names"),
        spread_field("request", &Self::request)};
  }
};
template <class T>
inline constexpr bool is_from_descriptor = false;
template <class R>
inline constexpr bool is_from_descriptor<FromDescriptor<R>> = true;

/// All requests.
using AnyRequest = std::variant<ApplyJob, SubmitRun, ValidateJob, FromDescriptor<ApplyJob>,
                                FromDescriptor<SubmitRun>, FromDescriptor<ValidateJob>, StartJob,
                                CancelRun, StopRun, ResumeRun, ShowRun, AwaitEnd, ListRuns,
                                ListJobs, ListNodes, ListEvents, ListCheckpoints, ReadOutput>;
using AnyAnswer = std::variant<JobView, RunStarted, Validity, Checked<JobView>, Checked<RunStarted>,
                               Checked<Validity>, RunView, RunPage, JobList, NodeList, EventList,
                               CheckpointList, OutputList>;

}  // namespace troupe
