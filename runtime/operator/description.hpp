#pragma once

#include "runtime/base/json_fwd.hpp"

#include <optional>
#include <string>
#include <vector>

namespace troupe {

/// The type of a parameter. The validator checks it; the JSON Schema and the reference show it.
enum class ParameterType {
  boolean,
  integer,
  number,
  text,
  texts,         ///< a list of texts; a single one needs no list
  path,          ///< a file, directory or glob
  choice,        ///< one word of `choices`
  duration,      ///< "500ms", "10s", "5m"
  bytes,         ///< "64MiB", or a plain number
  column,        ///< the name of an input column
  columns,       ///< a list of names of input columns
  expression,    ///< a SQL expression over the input
  predicate,     ///< a SQL expression that is boolean
  expressions,   ///< a map from output name to SQL expression; a list may name plain columns
  aggregates,    ///< a map from output name to a SQL expression over aggregate calls
  order,         ///< a list of ORDER BY terms; a single one needs no list
  column_types,  ///< a map from column name to SQL type
  rows,          ///< a list of rows, each a map from column name to a plain value
  /// A system outside, of one of the types in `choices`. A descriptor names one of `connections:`;
  /// what it says is then the value, a map (`runtime/secrets/connection.hpp`).
  connection,
};

const char* to_string(ParameterType type);

/// One key of an operator's `with:`.
struct Parameter {
  std::string name;
  ParameterType type = ParameterType::text;
  std::string help;
  bool required = false;
  std::string default_value = {};  ///< as JSON text; empty: none
  std::vector<std::string> choices = {};
  std::optional<double> min = {};
  std::optional<double> max = {};
};

enum class OperatorRole { source, transform, sink };

/// How often a row of a connector counts, whatever dies and comes back.
enum class Guarantee {
  exactly_once,   ///< a source gives the same rows again; a sink shows each once
  at_least_once,  ///< after a failure some come, or are shown, again
  at_most_once,   ///< after a failure some are lost
};

/// "exactly-once".
const char* to_string(Guarantee guarantee);

/// An output beyond the first one, for rows that take another way: `from: <id>.<name>`.
struct OutputPort {
  std::string name;
  std::string help;
  /// In a streaming job somebody must read it, unless this parameter says what becomes of its rows.
  std::string unless = {};
};

/// An operator's description of itself. The validator, `troupe op show`, the JSON Schema, the
/// reference and the SDKs read this and nothing else, so a thing is declared once.
struct OperatorDescription {
  std::string name;     ///< "read.parquet"
  std::string summary;  ///< one sentence
  OperatorRole role = OperatorRole::transform;
  int inputs_min = 1;
  int inputs_max = 1;  ///< -1: any number
  std::vector<Parameter> parameters;
  std::string example;  ///< a YAML fragment that validates, shown by `troupe op show`
  std::string notes = {};
  std::vector<OutputPort> ports = {};
  /// A transform that takes streams, besides tables: it knows hidden columns (`flow.hpp`). A sink
  /// takes streams in any case; one that says so is given hidden columns, too.
  bool streams = false;
  /// Its streams may take rows back. In front of a sink that does not say so, rows wait until no
  /// more of them are taken back; a transform is refused.
  bool changes = false;
  /// Of sources and sinks, each of which says one.
  std::optional<Guarantee> guarantee = {};

  const Parameter* find(const std::string& parameter) const;
};

}  // namespace troupe
