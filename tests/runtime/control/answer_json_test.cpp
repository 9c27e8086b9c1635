// Answers are JSON that clients rely on: names, order and form of fields are what they have always
// been, and what is written is read back, field by field. What is no answer is an error that says
// where it is wrong, never a crash and never a default in silence.
#include "runtime/control/answer_json.hpp"

#include "runtime/base/json.hpp"
#include "runtime/control/base64.hpp"
#include "runtime/control/wall_time.hpp"
#include "tests/runtime/control/filled.hpp"
#include "tests/support/catch.hpp"

#include <functional>

using namespace troupe;

namespace {

using Catch::Matchers::Contains;
using Catch::Matchers::EndsWith;
using Catch::Matchers::StartsWith;

/// Calls `each` with a request of every kind and its filled answer.
template <class Each, class... Rs>
void each_answer(const std::variant<Rs...>*, Each each) {
  (each(AnyRequest(Rs()), AnyAnswer(filled<typename Rs::Answer>())), ...);
}
constexpr const AnyRequest* any_request = nullptr;

WallTime at(std::int64_t microseconds) { return WallTime(std::chrono::microseconds(microseconds)); }

RunView late_flights() {
  RunView run;
  run.id = RunId(7);
  run.uid = RunUid("c-7-00ff");
  run.job = JobName("examples/flights");
  run.state = RunState::failed;
  run.plan_hash = "abc";
  run.submitted = at(1'795'369'500'123'456);
  run.started = at(1'795'369'501'000'000);
  run.finished = at(1'795'369'502'000'000);
  run.attempt = Attempt(1);
  run.task_restarts = 2;
  run.error = "no \"such\" file";
  run.hint = "look again";
  run.reason = "its node is gone";
  run.tasks = 4;
  run.tasks_finished = 3;
  run.vertices = {{.id = "read",
                   .op = "read.csv",
                   .from = {},
                   .state = VertexState::finished,
                   .tasks = 2,
                   .tasks_finished = 2,
                   .rows_out = 336'776,
                   .busy_s = 0.25}};
  run.task_list = {{{StageId(1), 3},
                    "read > late",
                    TaskState::restarting,
                    Attempt(2),
                    NodeId("b"),
                    "its node is gone"}};
  run.recovered_in_s = 1.5;
  return run;
}

}  // namespace

TEST_CASE("a run is the JSON that it has always been") {
  CHECK(
      to_json(late_flights()).dump() ==
      R"({"id":7,"uid":"c-7-00ff","job":"examples/flights","state":"FAILED","plan_hash":"abc",)"
      R"("attempt":1,"tasks":4,"tasks_finished":3,"task_restarts":2,"rows_committed":0,)"
      R"("submitted":"2026-11-22T17:45:00.123456Z","started":"2026-11-22T17:45:01.000000Z",)"
      R"("finished":"2026-11-22T17:45:02.000000Z","error":"no \"such\" file",)"
      R"("hint":"look again","reason":"its node is gone","recovered_in_s":1.5,)"
      R"("vertices":[{"id":"read","op":"read.csv","from":[],"state":"finished","tasks":2,)"
      R"("tasks_finished":2,"tasks_begun":0,"tasks_begun_finished":0,"restarts":0,"rows_in":0,)"
      R"("rows_out":336776,"bytes_in":0,"bytes_out":0,"busy_s":0.25,"blocked_s":0.0,"idle_s":0.0,)"
      R"("queue_fill":0.0,"rows_late":0,"state_bytes":0}],)"
      R"("task_list":[{"stage":1,"subtask":3,"name":"read > late",)"
      R"("state":"RESTARTING","attempt":2,"node":"b","reason":"its node is gone"}]})");
}

TEST_CASE("lists and small answers are the JSON that they have always been") {
  const auto text = [](const AnyAnswer& answer) { return to_json(answer).dump(); };
  CHECK(text(RunStarted{RunId(7)}) == R"({"run":7})");
  CHECK(text(Validity{.plan_hash = "abc"}) == R"({"valid":true,"plan_hash":"abc"})");
  CHECK(text(RunPage{}) == R"({"runs":[]})");
  CHECK(text(RunPage{.next = RunId(3)}) == R"({"runs":[],"next":3})");
  CHECK(text(JobView{JobName("a"), "abc", {}, {}, {}}) ==
        R"({"name":"a","version":"abc","last_state":""})");
  CHECK(text(JobList{{{JobName("a"), "abc", RunState::halted, at(0), RunId(2)}}}) ==
        R"({"jobs":[{"name":"a","version":"abc","last_state":"HALTED",)"
        R"("applied":"1970-01-01T00:00:00.000000Z","last_run":2}]})");
  CHECK(
      text(NodeList{{{NodeId("a"), "tcp://h:1", Incarnation(2), NodeState::resting, "", 4, 1}}}) ==
      R"({"nodes":[{"id":"a","address":"tcp://h:1","incarnation":2,"state":"resting",)"
      R"("reason":"","slots":4,"slots_used":1}]})");
  CHECK(text(EventList{{{5, at(0), log::Level::warn, "t", {}},
                        {6, at(0), log::Level::info, "u", RunId(7)}}}) ==
        R"({"events":[{"sequence":5,"at":"1970-01-01T00:00:00.000000Z","level":"warn","text":"t"},)"
        R"({"sequence":6,"at":"1970-01-01T00:00:00.000000Z","level":"info","text":"u","run":7}]})");
  CHECK(text(OutputList{{{"v", "t", 3, std::string("\0\xff", 2)}}}) ==
        R"({"outputs":[{"vertex":"v","title":"t","rows_in_all":3,"ipc":"AP8="}]})");
}

TEST_CASE("a descriptor's notes stand beside its answer, its mistakes instead of it") {
  Checked<RunStarted> answer{.done = RunStarted{RunId(7)}};
  CHECK(to_json(answer).dump() == R"({"run":7})");
  answer.notes = {"n"};
  CHECK(to_json(answer).dump() == R"({"run":7,"notes":["n"]})");
  CHECK_FALSE(has_mistakes(answer));
  answer = {.mistakes = {{.file = "f", .position = {2, 3}, .message = "m"}}};
  CHECK(has_mistakes(answer));
  CHECK(to_json(answer).dump() ==
        R"({"error":{"code":"invalid_argument","message":"the descriptor has mistakes"},)"
        R"("diagnostics":[{"code":"TR1001","severity":"error","file":"f","line":2,"column":3,)"
        R"("length":1,"message":"m"}]})");
  const auto read = answer_from_json(FromDescriptor<SubmitRun>(), to_json(answer));
  REQUIRE(read);
  CHECK(to_json(*read) == to_json(answer));
}

TEST_CASE("every answer is read back as it was written") {
  int kinds = 0;
  each_answer(any_request, [&](const AnyRequest& request, const AnyAnswer& answer) {
    const Json written = to_json(answer);
    CAPTURE(written.dump());
    const auto read = answer_from_json(request, written);
    REQUIRE(read);
    CHECK(read->index() == answer.index());
    CHECK(to_json(*read).dump() == written.dump());
    ++kinds;
  });
  CHECK(kinds == std::variant_size_v<AnyRequest>);
}

namespace {

/// Calls `each` for every value in a document, with the path by which errors name it.
void each_value(Json& document, const std::string& path,
                const std::function<void(Json& parent, const std::string& key,
                                         const std::string& path)>& each) {
  const auto join = [&](const std::string& key) { return path.empty() ? key : path + "." + key; };
  if (document.is_object()) {
    std::vector<std::string> keys;
    for (const auto& [key, value] : document.items()) keys.push_back(key);
    for (const std::string& key : keys) {
      each_value(document[key], join(key), each);
      each(document, key, join(key));
    }
  } else if (document.is_array()) {
    each_value(document[0], join("0"), each);
  }
}

}  // namespace

TEST_CASE("a field of the wrong kind is refused, and named") {
  int fields = 0;
  each_answer(any_request, [&](const AnyRequest& request, const AnyAnswer& answer) {
    Json document = to_json(answer);
    each_value(document, "", [&](Json& parent, const std::string& key, const std::string& path) {
      const Json kept = std::exchange(parent[key], Json{{"no", "such"}});
      const auto read = answer_from_json(request, document);
      parent[key] = kept;
      CAPTURE(path);
      REQUIRE_FALSE(read);
      CHECK(read.error().code == ErrorCode::corrupt);
      CHECK_THAT(read.error().message, Contains(" cannot be read: " + path + " wants "));
      CHECK_FALSE(read.error().hint.empty());
      ++fields;
    });
  });
  CHECK(fields > 150);
}

TEST_CASE("what earlier versions do not write may be missing, and nothing else") {
  const std::set<std::string> may_miss{
      "uid",         "reason",         "tasks_begun",    "tasks_begun_finished",
      "submitted",   "started",        "finished",       "error",
      "hint",        "recovered_in_s", "applied",        "last_run",
      "run",         "next",           "notes",          "rows_late",
      "state_bytes", "watermark",      "lag_s",          "epoch",
      "epoch_age_s", "resumes",        "published",      "committed",
      "aligned_s",   "written_s",      "acknowledged_s", "copied_s",
      "commit_s"};
  each_answer(any_request, [&](const AnyRequest& request, const AnyAnswer& answer) {
    Json document = to_json(answer);
    each_value(document, "", [&](Json& parent, const std::string& key, const std::string& path) {
      const Json kept = parent;
      parent.erase(key);
      const auto read = answer_from_json(request, document);
      parent = kept;
      // A run that was started has its number, an event of the cluster has none; a checkpoint has
      // an epoch and its state's size, a run and an operator may have none.
      const bool of_checkpoint =
          path.find("checkpoints") != std::string::npos && (key == "epoch" || key == "state_bytes");
      const bool optional = may_miss.contains(key) && path != "run" && !of_checkpoint;
      CAPTURE(path);
      CHECK(read.ok() == optional);
      if (!read) CHECK_THAT(read.error().message, EndsWith(path + " is missing"));
    });
  });
}

TEST_CASE("fields of a later version are passed over, its words are not") {
  Json document = to_json(late_flights());
  document["new"] = 1;
  CHECK(answer_from_json(ShowRun{}, document));
  document["state"] = "PAUSED";
  const auto read = answer_from_json(ShowRun{}, document);
  REQUIRE_FALSE(read);
  CHECK_THAT(
      read.error().message,
      StartsWith("the answer to ShowRun cannot be read: state 'PAUSED' is no state of a run"));
}

TEST_CASE("an error is read as it was told") {
  const Error error{ErrorCode::conflict, "m", "h", "p"};
  const Json body = {{"error", to_json(error)}};
  CHECK(body.dump() == R"({"error":{"code":"conflict","message":"m","hint":"h","path":"p"}})");
  CHECK(error_from_json(body) == error);
  CHECK(error_from_json({{"error", {{"code", "later"}, {"message", "m"}}}}) ==
        Error{ErrorCode::internal, "m"});
  for (const char* text : {"1", "{}", "[]", R"({"error":"x"})", R"({"error":{"code":5}})",
                           R"({"error":{"message":{}}})"}) {
    CAPTURE(text);
    CHECK(error_from_json(Json::parse(text)).code == ErrorCode::internal);
  }
}

TEST_CASE("a task with an attempt is in the state of that") {
  for (const auto attempt :
       {AttemptState::deploying, AttemptState::running, AttemptState::finished,
        AttemptState::failed, AttemptState::killed, AttemptState::superseded}) {
    CHECK(std::string(to_string(task_state(attempt))) == to_string(attempt));
  }
}

TEST_CASE("every word is one alone, and the last one is the last") {
  const auto check = []<Worded E>(E) {
    std::set<std::string> words;
    int count = 0;
    each_enumerator<E>([&](E value) {
      words.insert(to_string(value));
      ++count;
    });
    CHECK(words.size() == static_cast<std::size_t>(count));
    CHECK_FALSE(words.contains("?"));
  };
  check(RunState());
  check(VertexState());
  check(TaskState());
  check(NodeState());
  check(log::Level());
  check(ErrorCode());
  check(ErrorReason());
  CHECK(std::string(to_string(RunState(static_cast<int>(EnumOf<RunState>::last) + 1))) == "?");
}

TEST_CASE("a time is read as it is written, and nothing else is a time") {
  const auto micros = [](const char* text) {
    return from_iso8601(text)->time_since_epoch().count();
  };
  CHECK(micros("1970-01-01T00:00:01.000002Z") == 1'000'002);
  CHECK(micros("1970-01-01T00:00:00.5Z") == 500'000);
  for (const char* text : {"", "1970-01-01", "1970-13-01T00:00:00.000000Z",
                           "1970-02-30T00:00:00.000000Z", "1970-01-01T25:00:00.000000Z",
                           "1970-01-01T00:00:00.000000", "1970-01-01T00:00:00.000000Zx"}) {
    CAPTURE(text);
    CHECK_FALSE(from_iso8601(text));
  }
}

TEST_CASE("base64 is whole, and padded at its end alone") {
  CHECK(*from_base64("QUJD") == "ABC");
  CHECK(*from_base64("QUI=") == "AB");
  CHECK(*from_base64("QQ==") == "A");
  for (const char* text : {"Q", "QQ", "QQ=", "QQ==QQ==", "=QQQ", "QUJD=", "Q==="}) {
    CAPTURE(text);
    CHECK_FALSE(from_base64(text));
  }
}
