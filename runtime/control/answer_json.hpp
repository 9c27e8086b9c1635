#pragma once

#include "runtime/base/json_fwd.hpp"
#include "runtime/control/requests.hpp"

namespace troupe {

// Writes answers as the API's JSON and reads them back: the command line reads what the gateway
// writes, so local and remote runs show the same.

Json to_json(const AnyAnswer& answer);
Json to_json(const Error& error);
/// The answer to a request of this kind; `corrupt` if the JSON is something else.
Result<AnyAnswer> answer_from_json(const AnyRequest& request, const Json& json);
/// The error in an `{"error": ...}` body.
Error error_from_json(const Json& json);

/// True if the answer lists mistakes of a descriptor. Over HTTP its status is `mistakes_status`,
/// and its body holds all of them.
bool has_mistakes(const AnyAnswer& answer);
inline constexpr int mistakes_status = 422;

}  // namespace troupe
