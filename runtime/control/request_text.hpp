#pragma once

#include "runtime/control/routes.hpp"

#include <map>
#include <string>

namespace troupe {

/// The arguments of a request, as HTTP carries them.
struct RequestText {
  PathValues path;                           ///< decoded
  std::map<std::string, std::string> query;  ///< decoded
  std::string body;                          ///< a JSON object; empty: no arguments
};

/// Reads the request that a route of the table carries. `invalid_argument` if an argument is
/// missing, of the wrong kind, or not one of this request: the error names it, its place
/// ("query.limit") and its meaning.
Result<AnyRequest> read_request(const Route& route, const RequestText& text);

/// A request, as a client sends it.
struct HttpCall {
  const char* method;
  std::string target;  ///< the path with its query
  std::string body;
};
/// `invalid_argument` if no route carries it: a graph that was made in code has no text.
Result<HttpCall> http_call(const AnyRequest& request);

}  // namespace troupe
