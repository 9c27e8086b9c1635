#pragma once

#include "runtime/base/json_fwd.hpp"
#include "runtime/descriptor/shape_parameters.hpp"

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace troupe {

/// One key of `connections:`, as operators get it that name it (`runtime/secrets/connection.hpp`).
struct ShapedConnection {
  std::shared_ptr<const Json> value;  ///< null: it has a mistake of its own, or is not all known
  std::set<std::string> open = {};    ///< parameters without a value that it uses
};

struct ShapedConnections {
  std::map<std::string, ShapedConnection> all;

  const ShapedConnection* find(const std::string& name) const;
  std::vector<std::string> names() const;
};

/// Reads `secrets:` and `connections:` (null: not there), and fills in parameters. A secret stays
/// what it is: a word on where it is found.
ShapedConnections shape_connections(const YamlEntry* secrets, const YamlEntry* connections,
                                    const SourceText& source, const ShapedParameters& parameters,
                                    Diagnostics& diagnostics);

}  // namespace troupe
