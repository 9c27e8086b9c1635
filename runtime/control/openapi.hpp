#pragma once

#include "runtime/base/json_fwd.hpp"
#include "runtime/control/routes.hpp"

#include <vector>

namespace troupe {

/// A route that answers for its node alone, without a request.
struct NodeRoute : Route {
  const char* answer;  ///< what it is, in a few words
};

/// The OpenAPI 3.0 contract of this version: the node's own routes, then the table's.
Json openapi(const std::vector<NodeRoute>& own);

}  // namespace troupe
