#pragma once

#include "runtime/control/routes.hpp"

#include <map>
#include <string>

namespace troupe {

/// The arguments of a request as HTTP carries them.
struct RequestText {
  PathValues path;                           ///< decoded
  std::map<std::string, std::string> query;  ///< decoded
  std::string body;                          ///< a JSON object; empty: no arguments
};

/// The request that a route of the table carries. `invalid_argument` says what is wrong with which
/// argument, its place ("query.limit") and what the argument is: one that is missing, of the wrong
/// kind, or that this request does not take.
Result<AnyRequest> read_request(const Route& route, const RequestText& text);

/// A request as a client sends it.
struct HttpCall {
  const char* method;
  std::string target;  ///< the path with its query
  std::string body;
};
/// `invalid_argument` where no route carries it: a graph made in code has no text.
Result<HttpCall> http_call(const AnyRequest& request);

}  // namespace troupe
