#pragma once

#include "runtime/control/requests.hpp"

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

namespace troupe {

/// The right that a token must give. Today's one token gives all rights; without it, only open
/// routes answer.
enum class Access { open, read, write };
const char* to_string(Access access);

/// A route of the HTTP API.
struct Route {
  const char* method;
  const char* path;  ///< "{name}" takes one segment: the argument of that name
  Access access;
  const char* summary;
  int status = 200;            ///< of an answer that is no error
  const char* operation = "";  ///< its name in the contract
};

/// A route that carries a request.
template <class R>
struct RouteOf : Route {
  using Request = R;
};

template <class R>
constexpr RouteOf<R> route(const char* method, const char* path, Access access, const char* summary,
                           int status = 200, const char* operation = R::name) {
  return {{method, path, access, summary, status, operation}};
}

/// The API: one row per route, and nothing about routes anywhere else. Arguments that are not in
/// the path are in the query of a GET, or in the body of a POST, a JSON object. Dispatch, checks of
/// arguments, the contract, the command line's calls and their tests use this table. If two rows
/// have the same request, a client takes the first whose path it can fill.
inline constexpr std::tuple route_table{
    route<ListNodes>("GET", "/api/v1/nodes", Access::read, "The nodes of the cluster."),
    route<ListJobs>("GET", "/api/v1/jobs", Access::read, "The stored jobs."),
    route<FromDescriptor<ApplyJob>>("POST", "/api/v1/jobs", Access::write,
                                    "Stores a job version from a descriptor."),
    route<FromDescriptor<ValidateJob>>("POST", "/api/v1/validate", Access::read,
                                       "Checks a descriptor; changes nothing."),
    route<StartJob>("POST", "/api/v1/jobs/{job}/runs", Access::write,
                    "Starts a run of a stored job.", 201),
    route<ListRuns>("GET", "/api/v1/runs", Access::read,
                    "Runs, the newest first: at most `limit`, older than `before`; where there are "
                    "more, `next` is the `before` of the next page."),
    route<FromDescriptor<SubmitRun>>("POST", "/api/v1/runs", Access::write,
                                     "Runs a descriptor once.", 201),
    route<ShowRun>("GET", "/api/v1/runs/{run}", Access::read, "One run, with its graph."),
    route<AwaitEnd>("GET", "/api/v1/runs/{run}/end", Access::read,
                    "One run when it has ended; as it is after `wait` seconds, at most 30."),
    route<CancelRun>("POST", "/api/v1/runs/{run}/cancel", Access::write,
                     "Cancels a run; idempotent."),
    route<StopRun>("POST", "/api/v1/runs/{run}/stop", Access::write,
                   "Lets a streaming run take a last epoch, and suspends it; idempotent."),
    route<ResumeRun>("POST", "/api/v1/runs/{run}/resume", Access::write,
                     "Starts a run that goes on where one that has ended was.", 201),
    route<ListCheckpoints>("GET", "/api/v1/runs/{run}/checkpoints", Access::read,
                           "The epochs of a streaming run, the newest first."),
    route<ReadOutput>("GET", "/api/v1/runs/{run}/output", Access::read,
                      "What its print sinks committed."),
    route<ListEvents>("GET", "/api/v1/runs/{run}/events", Access::read,
                      "What happened to a run after `after`; waits up to `wait` seconds for more.",
                      200, "ListRunEvents"),
    route<ListEvents>("GET", "/api/v1/events", Access::read,
                      "What happened in the cluster, likewise."),
};

/// Calls `each` with every row of the table, as the `RouteOf` of its request.
template <class Each>
void each_route(Each each) {
  std::apply([&](const auto&... row) { (each(row), ...); }, route_table);
}

using PathValues = std::map<std::string, std::string>;

/// The arguments in `path`, not decoded yet; none if it is not a path of this route.
std::optional<PathValues> match(const Route& route, std::string_view path);
/// The names of the arguments that its path holds.
std::vector<std::string> arguments_in_path(const Route& route);
bool in_path(const Route& route, std::string_view argument);

}  // namespace troupe
