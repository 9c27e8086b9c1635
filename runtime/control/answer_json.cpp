#include "runtime/control/answer_json.hpp"

#include "runtime/control/json_fields.hpp"

namespace troupe {
namespace {

constexpr const char* mistakes_key = "diagnostics";
constexpr const char* notes_key = "notes";

template <class T>
Json json_of_answer(const T& answer) {
  return json_of(answer);
}

template <class T>
Json json_of_answer(const Checked<T>& answer) {
  Json json;
  if (answer.done) {
    json = json_of(*answer.done);
  } else {
    json["error"] = to_json(make_error(ErrorCode::invalid_argument, "the descriptor has mistakes"));
    json[mistakes_key] = json_of(answer.mistakes);
  }
  if (!answer.notes.empty()) json[notes_key] = answer.notes;
  return json;
}

template <class T>
Result<> read_answer(const Json& json, T& answer) {
  return read_json(json, answer);
}

template <class T>
Result<> read_answer(const Json& json, Checked<T>& answer) {
  if (!json.is_object()) return wants("an object", json);
  JsonReader reader(json);
  if (json.contains(mistakes_key)) {
    reader(mistakes_key, answer.mistakes);
  } else {
    reader.outcome = read_json(json, answer.done.emplace());
  }
  reader(notes_key, answer.notes, Presence::optional);
  return reader.outcome;
}

}  // namespace

Json to_json(const AnyAnswer& answer) {
  return std::visit([](const auto& one) { return json_of_answer(one); }, answer);
}

bool has_mistakes(const AnyAnswer& answer) {
  return std::visit(
      [](const auto& one) {
        if constexpr (requires { one.mistakes; }) return !one.mistakes.empty();
        return false;
      },
      answer);
}

Result<AnyAnswer> answer_from_json(const AnyRequest& request, const Json& json) {
  return std::visit(
      [&]<class R>(const R&) -> Result<AnyAnswer> {
        typename R::Answer answer;
        if (const auto read = read_answer(json, answer); !read) {
          const Error& error = read.error();
          Error told =
              make_error(ErrorCode::corrupt, "the answer to {} cannot be read: {}{}{}", R::name,
                         error.path, error.path.empty() ? "" : " ", error.message);
          told.hint = "is the node of another version?";
          return told;
        }
        return AnyAnswer(std::move(answer));
      },
      request);
}

Json to_json(const Error& error) { return json_of(error); }

Error error_from_json(const Json& json) {
  Error error{ErrorCode::internal, "the server answered with an unknown error"};
  if (!json.is_object() || !json.contains("error") || !json["error"].is_object()) return error;
  Json told = json["error"];
  if (read_json(told, error)) return error;
  // The code may be one of a later version. The rest of the error is useful all the same.
  told.erase("code");
  static_cast<void>(read_json(told, error));
  return error;
}

}  // namespace troupe
