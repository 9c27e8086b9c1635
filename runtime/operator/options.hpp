#pragma once

#include "runtime/base/json_fwd.hpp"
#include "runtime/base/result.hpp"
#include "runtime/base/time.hpp"
#include "runtime/expr/aggregate_select.hpp"
#include "runtime/operator/description.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace troupe {

/// The `with:` of one operator, checked against its description: unknown keys, missing ones, wrong
/// types, choices and bounds are refused, defaults are filled in. The operator's `plan` checks what
/// depends on the input schema (columns, expressions).
///
/// Getters ENSURE that the parameter is described with the matching type; a parameter that is not
/// required and has no default must be asked for with `has` first.
class Options {
 public:
  /// All mistakes at once, each with path "<parameter>" or "<parameter>.<key or index>".
  static std::vector<Error> check(const OperatorDescription& description, const Json& with);
  /// The checked options, or the first mistake.
  static Result<Options> make(const OperatorDescription& description, const Json& with);

  bool has(const std::string& name) const;
  bool boolean(const std::string& name) const;
  std::int64_t integer(const std::string& name) const;
  double number(const std::string& name) const;
  std::int64_t bytes(const std::string& name) const;
  Duration duration(const std::string& name) const;
  /// text, path, choice, column, expression, predicate.
  std::string text(const std::string& name) const;
  /// columns, order, texts.
  std::vector<std::string> list(const std::string& name) const;
  /// expressions, aggregates, column_types.
  std::vector<NamedText> named(const std::string& name) const;
  /// A list of maps from names to null, booleans, numbers and texts.
  const Json& rows(const std::string& name) const;
  /// A map with "type", for `Connection::parse`.
  const Json& connection(const std::string& name) const;

 private:
  Options(const OperatorDescription& description, std::shared_ptr<const Json> values)
      : description_(&description), values_(std::move(values)) {}
  const Json& get(const std::string& name, std::initializer_list<ParameterType> types) const;

  const OperatorDescription* description_;
  std::shared_ptr<const Json> values_;
};

/// "64MiB" -> 67108864, "1GB" -> 10^9. Units: B kB MB GB TB KiB MiB GiB TiB.
Result<std::int64_t> parse_bytes(std::string_view text);
/// "1h30m", "500ms". Units: ns us ms s m h d.
Result<Duration> parse_duration(std::string_view text);

}  // namespace troupe
