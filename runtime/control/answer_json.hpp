#pragma once

#include "runtime/base/json_fwd.hpp"
#include "runtime/control/requests.hpp"

namespace troupe {

// Answers as the API's JSON, and back: the command line reads what the gateway writes, so that
// local and remote runs show the same.

Json to_json(const AnyAnswer& answer);
Json to_json(const Error& error);
/// The answer to a request of this kind; `corrupt` where the JSON is something else.
Result<AnyAnswer> answer_from_json(const AnyRequest& request, const Json& json);
/// The error an `{"error": ...}` body tells of.
Error error_from_json(const Json& json);

/// True where the answer is what is wrong with a descriptor. Over HTTP its status is
/// `mistakes_status`, and its body holds all of them.
bool has_mistakes(const AnyAnswer& answer);
inline constexpr int mistakes_status = 422;

}  // namespace troupe
