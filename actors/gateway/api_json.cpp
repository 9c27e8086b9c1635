#include "actors/gateway/api_json.hpp"

#include "runtime/base/json.hpp"

#include <date/date.h>

#include <array>
#include <cstdio>

namespace troupe {
namespace {

constexpr std::array error_codes{
    ErrorCode::invalid_argument, ErrorCode::not_found,   ErrorCode::already_exists,
    ErrorCode::conflict,         ErrorCode::unavailable, ErrorCode::timeout,
    ErrorCode::cancelled,        ErrorCode::corrupt,     ErrorCode::unsupported,
    ErrorCode::not_allowed,      ErrorCode::internal};

constexpr std::string_view base64_digits =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

std::string to_base64(std::string_view bytes) {
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    std::uint32_t word = 0;
    for (std::size_t k = 0; k < 3; ++k) {
      word = (word << 8) | (i + k < bytes.size() ? static_cast<unsigned char>(bytes[i + k]) : 0);
    }
    for (std::size_t k = 0; k < 4; ++k) {
      text += i + k <= bytes.size() && (k < 2 || i + k - 1 < bytes.size())
                  ? base64_digits[(word >> (18 - 6 * k)) & 63]
                  : '=';
    }
  }
  return text;
}

Result<std::string> from_base64(std::string_view text) {
  std::string bytes;
  std::uint32_t word = 0;
  int bits = 0;
  for (const char c : text) {
    if (c == '=') break;
    const auto digit = base64_digits.find(c);
    if (digit == std::string_view::npos) {
      return fail(ErrorCode::corrupt, "'{}' is no base64 digit", c);
    }
    word = (word << 6) | static_cast<std::uint32_t>(digit);
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      bytes += static_cast<char>((word >> bits) & 0xff);
    }
  }
  return bytes;
}

void put_time(Json& json, const char* key, const std::optional<WallTime>& time) {
  if (time) json[key] = to_iso8601(*time);
}

Result<std::optional<WallTime>> get_time(const Json& json, const char* key) {
  if (!json.contains(key)) return std::optional<WallTime>();
  return std::optional<WallTime>(TRY(from_iso8601(json.at(key).get<std::string>())));
}

Json to_json(const VertexView& view) {
  return {{"id", view.id},
          {"op", view.op},
          {"from", view.from},
          {"state", view.state},
          {"tasks", view.tasks},
          {"tasks_finished", view.tasks_finished},
          {"tasks_begun", view.tasks_begun},
          {"tasks_begun_finished", view.tasks_begun_finished},
          {"restarts", view.restarts},
          {"rows_in", view.rows_in},
          {"rows_out", view.rows_out},
          {"bytes_in", view.bytes_in},
          {"bytes_out", view.bytes_out},
          {"busy_s", view.busy_s},
          {"blocked_s", view.blocked_s},
          {"idle_s", view.idle_s},
          {"queue_fill", view.queue_fill}};
}

VertexView vertex_from_json(const Json& json) {
  VertexView view;
  view.id = json.at("id");
  view.op = json.at("op");
  view.from = json.at("from").get<std::vector<std::string>>();
  view.state = json.at("state");
  view.tasks = json.at("tasks");
  view.tasks_finished = json.at("tasks_finished");
  view.tasks_begun = json.value("tasks_begun", 0u);
  view.tasks_begun_finished = json.value("tasks_begun_finished", 0u);
  view.restarts = json.at("restarts");
  view.rows_in = json.at("rows_in");
  view.rows_out = json.at("rows_out");
  view.bytes_in = json.at("bytes_in");
  view.bytes_out = json.at("bytes_out");
  view.busy_s = json.at("busy_s");
  view.blocked_s = json.at("blocked_s");
  view.idle_s = json.at("idle_s");
  view.queue_fill = json.at("queue_fill");
  return view;
}

Json to_json(const TaskView& view) {
  Json json = {{"stage", view.task.stage.value()},
               {"subtask", view.task.subtask},
               {"name", view.name},
               {"state", view.state},
               {"attempt", view.attempt.value()},
               {"node", view.node.value()}};
  if (!view.reason.empty()) json["reason"] = view.reason;
  return json;
}

TaskView task_from_json(const Json& json) {
  TaskView view;
  view.task = {StageId(json.at("stage").get<std::uint32_t>()), json.at("subtask")};
  view.name = json.at("name");
  view.state = json.at("state");
  view.attempt = Attempt(json.at("attempt"));
  view.node = NodeId(json.at("node").get<std::string>());
  view.reason = json.value("reason", "");
  return view;
}

/// Fields of an answer are trusted in shape only as far as this: a missing or mistyped one is an
/// error of the answer, not a crash.
template <class T, class Read>
Result<T> reading(const char* what, Read&& read) {
  try {
    return read();
  } catch (const nlohmann::json::exception& bad) {
    return fail(ErrorCode::corrupt, "the server's {} cannot be read: {}", what, bad.what());
  }
}

}  // namespace

std::string to_iso8601(WallTime time) {
  return date::format("%FT%TZ", date::sys_time<std::chrono::microseconds>(time.time_since_epoch()));
}

Result<WallTime> from_iso8601(std::string_view text) {
  int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0, micros = 0;
  const std::string copy(text);
  if (std::sscanf(copy.c_str(), "%4d-%2d-%2dT%2d:%2d:%2d.%6dZ", &year, &month, &day, &hour, &minute,
                  &second, &micros) != 7) {
    return fail(ErrorCode::invalid_argument, "'{}' is no time of the API", text);
  }
  const date::sys_days midnight =
      date::year(year) / static_cast<unsigned>(month) / static_cast<unsigned>(day);
  return WallTime(midnight.time_since_epoch() + std::chrono::hours(hour) +
                  std::chrono::minutes(minute) + std::chrono::seconds(second) +
                  std::chrono::microseconds(micros));
}

Json to_json(const Error& error) {
  Json json = {{"code", to_string(error.code)}, {"message", error.message}};
  if (!error.hint.empty()) json["hint"] = error.hint;
  if (!error.path.empty()) json["path"] = error.path;
  return json;
}

Error error_from_json(const Json& json) {
  Error error{ErrorCode::internal, "the server answered with an unknown error"};
  if (!json.is_object() || !json.contains("error") || !json["error"].is_object()) return error;
  const Json& told = json["error"];
  const std::string word = told.value("code", "");
  for (const ErrorCode code : error_codes) {
    if (word == to_string(code)) error.code = code;
  }
  error.message = told.value("message", error.message);
  error.hint = told.value("hint", "");
  error.path = told.value("path", "");
  return error;
}

Json to_json(const RunView& view) {
  Json json = {{"id", view.id.value()},
               {"uid", view.uid.value()},
               {"job", view.job.value()},
               {"state", view.state},
               {"plan_hash", view.plan_hash},
               {"attempt", view.attempt.value()},
               {"tasks", view.tasks},
               {"tasks_finished", view.tasks_finished},
               {"task_restarts", view.task_restarts},
               {"rows_committed", view.rows_committed}};
  put_time(json, "submitted", view.submitted);
  put_time(json, "started", view.started);
  put_time(json, "finished", view.finished);
  if (!view.error.empty()) json["error"] = view.error;
  if (!view.hint.empty()) json["hint"] = view.hint;
  if (!view.reason.empty()) json["reason"] = view.reason;
  if (view.recovered_in_s) json["recovered_in_s"] = *view.recovered_in_s;
  json["vertices"] = Json::array();
  for (const auto& vertex : view.vertices) json["vertices"].push_back(to_json(vertex));
  json["task_list"] = Json::array();
  for (const auto& task : view.task_list) json["task_list"].push_back(to_json(task));
  return json;
}

Result<RunView> run_from_json(const Json& json) {
  return reading<RunView>("run", [&]() -> Result<RunView> {
    RunView view;
    view.id = RunId(json.at("id"));
    view.uid = RunUid(json.value("uid", ""));
    view.job = JobName(json.at("job").get<std::string>());
    view.state = json.at("state");
    view.plan_hash = json.at("plan_hash");
    view.attempt = Attempt(json.at("attempt"));
    view.tasks = json.at("tasks");
    view.tasks_finished = json.at("tasks_finished");
    view.task_restarts = json.at("task_restarts");
    view.rows_committed = json.at("rows_committed");
    view.submitted = TRY(get_time(json, "submitted"));
    view.started = TRY(get_time(json, "started"));
    view.finished = TRY(get_time(json, "finished"));
    view.error = json.value("error", "");
    view.hint = json.value("hint", "");
    view.reason = json.value("reason", "");
    if (json.contains("recovered_in_s")) view.recovered_in_s = json["recovered_in_s"].get<double>();
    for (const auto& vertex : json.at("vertices"))
      view.vertices.push_back(vertex_from_json(vertex));
    for (const auto& task : json.at("task_list")) view.task_list.push_back(task_from_json(task));
    return view;
  });
}

Json to_json(const JobView& view) {
  Json json = {
      {"name", view.name.value()}, {"version", view.version}, {"last_state", view.last_state}};
  put_time(json, "applied", view.applied);
  if (view.last_run) json["last_run"] = view.last_run->value();
  return json;
}

Result<JobView> job_from_json(const Json& json) {
  return reading<JobView>("job", [&]() -> Result<JobView> {
    JobView view;
    view.name = JobName(json.at("name").get<std::string>());
    view.version = json.at("version");
    view.last_state = json.at("last_state");
    view.applied = TRY(get_time(json, "applied"));
    if (json.contains("last_run")) view.last_run = RunId(json["last_run"]);
    return view;
  });
}

Json to_json(const NodeView& view) {
  return {{"id", view.id.value()},
          {"address", view.address},
          {"incarnation", view.incarnation.value()},
          {"state", view.state},
          {"reason", view.reason},
          {"slots", view.slots},
          {"slots_used", view.slots_used}};
}

Result<NodeView> node_from_json(const Json& json) {
  return reading<NodeView>("node", [&]() -> Result<NodeView> {
    NodeView view;
    view.id = NodeId(json.at("id").get<std::string>());
    view.address = json.at("address");
    view.incarnation = Incarnation(json.at("incarnation"));
    view.state = json.at("state");
    view.reason = json.value("reason", "");
    view.slots = json.at("slots");
    view.slots_used = json.at("slots_used");
    return view;
  });
}

Json to_json(const EventView& view) {
  Json json = {{"sequence", view.sequence},
               {"at", to_iso8601(view.at)},
               {"level", view.level},
               {"text", view.text}};
  if (view.run) json["run"] = view.run->value();
  return json;
}

Result<EventView> event_from_json(const Json& json) {
  return reading<EventView>("event", [&]() -> Result<EventView> {
    EventView view;
    view.sequence = json.at("sequence");
    view.at = TRY(from_iso8601(json.at("at").get<std::string>()));
    view.level = json.at("level");
    view.text = json.at("text");
    if (json.contains("run")) view.run = RunId(json["run"]);
    return view;
  });
}

Json to_json(const OutputView& view) {
  return {{"vertex", view.vertex},
          {"title", view.title},
          {"rows_in_all", view.rows_in_all},
          {"ipc", to_base64(view.ipc)}};
}

Result<OutputView> output_from_json(const Json& json) {
  return reading<OutputView>("output", [&]() -> Result<OutputView> {
    OutputView view;
    view.vertex = json.at("vertex");
    view.title = json.at("title");
    view.rows_in_all = json.at("rows_in_all");
    view.ipc = TRY(from_base64(json.at("ipc").get<std::string>()));
    return view;
  });
}

}  // namespace troupe
