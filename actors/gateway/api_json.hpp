#pragma once

#include "actors/coordinator/control.hpp"
#include "runtime/base/json_fwd.hpp"

namespace troupe {

// The views of `Control` as the API's JSON, and back: the command line reads what the gateway
// writes, so that local and remote runs show the same. Field names are a contract; fields are only
// added.

Json to_json(const RunView& view);
Json to_json(const JobView& view);
Json to_json(const NodeView& view);
Json to_json(const EventView& view);
Json to_json(const OutputView& view);
Json to_json(const Error& error);

Result<RunView> run_from_json(const Json& json);
Result<JobView> job_from_json(const Json& json);
Result<NodeView> node_from_json(const Json& json);
Result<EventView> event_from_json(const Json& json);
Result<OutputView> output_from_json(const Json& json);
/// The error an `{"error": ...}` body tells of.
Error error_from_json(const Json& json);

/// "2026-11-22T18:05:00.123456Z".
std::string to_iso8601(WallTime time);
Result<WallTime> from_iso8601(std::string_view text);

}  // namespace troupe
