#pragma once

#include "runtime/base/json_fwd.hpp"
#include "runtime/descriptor/places.hpp"
#include "runtime/descriptor/shape.hpp"
#include "runtime/descriptor/shape_parameters.hpp"

#include <optional>
#include <set>
#include <string>
#include <utility>

namespace troupe {

/// How the value of a `${{ }}` is pasted into its scalar.
enum class FillAs {
  typed,  ///< if it is the whole scalar, it keeps its type
  text,   ///< always a text
  sql,    ///< as a literal
};

/// Fills in the `${{ }}` of a descriptor's value; gives nothing after a mistake, which has been
/// reported here or at the parameter's declaration. Notes each filled scalar in `templates`, by
/// path.
class Filler {
 public:
  Filler(const SourceText& source, const ShapedParameters& parameters,
         std::map<std::string, Template>& templates, Diagnostics& diagnostics)
      : source_(source),
        parameters_(parameters),
        templates_(templates),
        diagnostics_(diagnostics) {}

  std::optional<Json> fill(const YamlNode& node, FillAs as, const std::string& path);
  /// The parameters without a value that were used since the last call.
  std::set<std::string> take_open() { return std::exchange(open_, {}); }
  /// These were used, too.
  void add_open(const std::set<std::string>& names) { open_.insert(names.begin(), names.end()); }

 private:
  std::optional<Json> scalar(const YamlNode& node, FillAs as, const std::string& path);

  const SourceText& source_;
  const ShapedParameters& parameters_;
  std::map<std::string, Template>& templates_;
  Diagnostics& diagnostics_;
  std::set<std::string> open_;
};

struct ShapedConnections;

/// Adds one operator of `dataflow:` to the graph of `shaped`.
void shape_vertex(const YamlEntry& entry, const SourceText& source,
                  const OperatorRegistry& registry, const ShapedConnections& connections,
                  Filler& filler, ShapedJob& shaped, Diagnostics& diagnostics);

/// A number of subtasks, 1 to 1024.
std::optional<std::uint32_t> shape_parallelism(const YamlNode& node, const std::string& path,
                                               Filler& filler, Diagnostics& diagnostics);

/// A length of time with its unit; `key` names it in messages.
std::optional<Duration> shape_duration(const YamlNode& node, std::string_view key,
                                       const std::string& path, Filler& filler,
                                       Diagnostics& diagnostics);

}  // namespace troupe
