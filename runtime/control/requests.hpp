#pragma once

#include "runtime/control/views.hpp"
#include "runtime/descriptor/diagnostic.hpp"
#include "runtime/graph/job_graph.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace troupe {

// What a client may ask of a cluster, and what it is answered: a request is a struct with its
// `Answer` and its arguments as JSON has them. One handler answers it (`actors/coordinator`),
// whoever asks: the gateway, by the table in `routes.cpp`, `troupe run`, or a service that embeds
// a node.

struct RunStarted {
  static constexpr const char* schema = "Started";

  RunId run;
};
void each_field(auto& field, Is<RunStarted> auto& started) { field("run", started.run); }

/// The descriptor has no mistake; this is the version of the job that it describes.
struct Validity {
  static constexpr const char* schema = "Validity";

  bool valid = true;
  std::string plan_hash;
};
void each_field(auto& field, Is<Validity> auto& validity) {
  field("valid", validity.valid);
  field("plan_hash", validity.plan_hash);
}

struct RunPage {
  static constexpr const char* schema = "Runs";

  std::vector<RunView> runs;  ///< without their graphs and tasks
  std::optional<RunId> next;  ///< `before` of the next page, where there is one
};
void each_field(auto& field, Is<RunPage> auto& page) {
  field("runs", page.runs);
  field("next", page.next, Presence::optional);
}

struct JobList {
  static constexpr const char* schema = "Jobs";

  std::vector<JobView> jobs;
};
void each_field(auto& field, Is<JobList> auto& list) { field("jobs", list.jobs); }

struct NodeList {
  static constexpr const char* schema = "Nodes";

  std::vector<NodeView> nodes;
};
void each_field(auto& field, Is<NodeList> auto& list) { field("nodes", list.nodes); }

struct EventList {
  static constexpr const char* schema = "Events";

  std::vector<EventView> events;
};
void each_field(auto& field, Is<EventList> auto& list) { field("events", list.events); }

struct OutputList {
  static constexpr const char* schema = "Outputs";

  std::vector<OutputView> outputs;
};
void each_field(auto& field, Is<OutputList> auto& list) { field("outputs", list.outputs); }

/// Stores a version of a job; nothing runs. The same plan again changes nothing.
struct ApplyJob {
  using Answer = JobView;
  static constexpr const char* name = "ApplyJob";

  JobGraph graph;
  std::string descriptor_text = {};  ///< what the user wrote, kept with the job's version
  std::string submitted_by = {};
};
void each_field(auto&, Is<ApplyJob> auto&) {}

/// Starts a run of a bound graph. Answered when the run is durable, before it starts.
struct SubmitRun {
  using Answer = RunStarted;
  static constexpr const char* name = "SubmitRun";

  JobGraph graph;
  std::string idempotency_key = {};
  std::string descriptor_text = {};
  std::string submitted_by = {};
};
void each_field(auto& field, Is<SubmitRun> auto& submit) {
  field("idempotency_key", submit.idempotency_key, Presence::optional,
        "the same key gives the same run, however often it is sent");
}

/// Checks a bound graph; changes nothing.
struct ValidateJob {
  using Answer = Validity;
  static constexpr const char* name = "ValidateJob";

  JobGraph graph;
};
void each_field(auto&, Is<ValidateJob> auto&) {}

/// Starts a run of the stored version of a job.
struct StartJob {
  using Answer = RunStarted;
  static constexpr const char* name = "StartJob";

  JobName job;
  std::string idempotency_key = {};
  std::string submitted_by = {};
};
void each_field(auto& field, Is<StartJob> auto& start) {
  field("job", start.job, Presence::required, "the job's name, with its namespace");
  field("idempotency_key", start.idempotency_key, Presence::optional,
        "the same key gives the same run, however often it is sent");
}

/// Cancels a run; one that has ended stays as it is.
struct CancelRun {
  using Answer = RunView;
  static constexpr const char* name = "CancelRun";

  RunId run;
  std::string reason = {};  ///< "a signal": who or what wants it
};
void each_field(auto& field, Is<CancelRun> auto& cancel) {
  field("run", cancel.run, Presence::required, "the run's number");
}

/// One run, with its graph.
struct ShowRun {
  using Answer = RunView;
  static constexpr const char* name = "ShowRun";

  RunId run;
};
void each_field(auto& field, Is<ShowRun> auto& show) {
  field("run", show.run, Presence::required, "the run's number");
}

/// No end to how long an answer is waited for.
inline constexpr std::chrono::seconds forever = std::chrono::seconds::max();

/// As `ShowRun`, but answered when the run has ended, or as it is when the wait is over.
struct AwaitEnd {
  using Answer = RunView;
  static constexpr const char* name = "AwaitEnd";

  RunId run;
  std::chrono::seconds wait = forever;
};
void each_field(auto& field, Is<AwaitEnd> auto& await) {
  field("run", await.run, Presence::required, "the run's number");
  field("wait", await.wait, Presence::optional, "seconds to wait for its end");
}

inline constexpr std::uint32_t runs_a_page = 50;
inline constexpr std::uint32_t runs_a_page_max = 1000;

/// Runs, the newest first.
struct ListRuns {
  using Answer = RunPage;
  static constexpr const char* name = "ListRuns";

  JobName job = {};  ///< only its runs; empty: all
  RunId before = {};
  std::uint32_t limit = runs_a_page;  ///< kept between 1 and `runs_a_page_max`
};
void each_field(auto& field, Is<ListRuns> auto& list) {
  field("job", list.job, Presence::optional, "only runs of this job");
  field("before", list.before, Presence::optional, "only runs older than this one; 0: all");
  field("limit", list.limit, Presence::optional, "at most so many runs, and never more than 1000");
}

struct ListJobs {
  using Answer = JobList;
  static constexpr const char* name = "ListJobs";
};
void each_field(auto&, Is<ListJobs> auto&) {}

struct ListNodes {
  using Answer = NodeList;
  static constexpr const char* name = "ListNodes";
};
void each_field(auto&, Is<ListNodes> auto&) {}

inline constexpr std::uint32_t events_an_answer = 500;

/// What happened, oldest first, at most `events_an_answer` of it. Where there is nothing yet, the
/// answer waits for something to happen, or for the wait to be over.
struct ListEvents {
  using Answer = EventList;
  static constexpr const char* name = "ListEvents";

  std::optional<RunId> run = {};  ///< of one run; none: of the cluster
  std::uint64_t after = 0;
  std::chrono::seconds wait = std::chrono::seconds(0);
};
void each_field(auto& field, Is<ListEvents> auto& list) {
  field("run", list.run, Presence::optional, "the run's number");
  field("after", list.after, Presence::optional, "only events after this sequence number");
  field("wait", list.wait, Presence::optional, "seconds to wait where there are none");
}

/// What the print sinks of a run have committed.
struct ReadOutput {
  using Answer = OutputList;
  static constexpr const char* name = "ReadOutput";

  RunId run;
};
void each_field(auto& field, Is<ReadOutput> auto& read) {
  field("run", read.run, Presence::required, "the run's number");
}

/// What came of a descriptor: what was asked for, or the mistakes that are in its way. The notes
/// are of what is no mistake, and yet worth telling.
template <class T>
struct Checked {
  std::optional<T> done;
  std::vector<Diagnostic> mistakes = {};
  std::vector<std::string> notes = {};
};

/// A request whose graph a descriptor describes: the YAML of `docs/reference/descriptor.md`,
/// checked on the coordinator's node, which is where its files must be readable.
template <class R>
struct FromDescriptor {
  using Request = R;
  using Answer = Checked<typename R::Answer>;
  static constexpr const char* name = R::name;

  std::string descriptor;
  std::string file = "descriptor";
  std::map<std::string, std::string> params = {};
  R request = {};  ///< its further arguments; the graph is what the descriptor says
};
template <class T>
inline constexpr bool is_from_descriptor = false;
template <class R>
inline constexpr bool is_from_descriptor<FromDescriptor<R>> = true;

template <class View>
requires is_from_descriptor<std::remove_const_t<View>>
void each_field(auto& field, View& asked) {
  field("descriptor", asked.descriptor, Presence::required, "the YAML text of the job");
  field("file", asked.file, Presence::optional, "its name in messages");
  field("params", asked.params, Presence::optional, "parameters of the job, by their names");
  each_field(field, asked.request);
}

/// Every request there is.
using AnyRequest =
    std::variant<ApplyJob, SubmitRun, ValidateJob, FromDescriptor<ApplyJob>,
                 FromDescriptor<SubmitRun>, FromDescriptor<ValidateJob>, StartJob, CancelRun,
                 ShowRun, AwaitEnd, ListRuns, ListJobs, ListNodes, ListEvents, ReadOutput>;
using AnyAnswer =
    std::variant<JobView, RunStarted, Validity, Checked<JobView>, Checked<RunStarted>,
                 Checked<Validity>, RunView, RunPage, JobList, NodeList, EventList, OutputList>;

}  // namespace troupe
