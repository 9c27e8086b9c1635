#pragma once

#include "runtime/base/json_fwd.hpp"
#include "runtime/control/routes.hpp"

#include <vector>

namespace troupe {

/// A route that a node answers by itself, without a request.
struct NodeRoute : Route {
  const char* answer;  ///< the answer, in a few words
};

/// The OpenAPI 3.0 contract of this version: the node's own routes, then the table's.
Json openapi(const std::vector<NodeRoute>& own);

}  // namespace troupe
