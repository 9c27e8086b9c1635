#include "runtime/control/json_fields.hpp"

#include "runtime/base/readable.hpp"

namespace troupe {
namespace {

/// Messages quote at most so much of a value that is wrong.
constexpr std::size_t shown_bytes_max = 60;

}  // namespace

Error wants(const std::string& what, const Json& got) {
  std::string shown =
      got.is_string() ? fmt::format("'{}'", got.get_ref<const std::string&>()) : json_text(got);
  if (shown.size() > shown_bytes_max) shown = readable(shown.substr(0, shown_bytes_max)) + "...";
  return make_error(ErrorCode::invalid_argument, "wants {}, not {}", what, shown);
}

Result<> read_texts(const Json& json, Texts& texts) {
  if (!json.is_object()) return wants("an object", json);
  texts.clear();
  for (const auto& [name, value] : json.items()) {
    texts[name] = value.is_string() ? value.get<std::string>() : json_text(value);
  }
  return {};
}

}  // namespace troupe
