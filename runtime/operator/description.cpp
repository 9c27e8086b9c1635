#include "runtime/operator/description.hpp"

namespace troupe {

const char* to_string(ParameterType type) {
  switch (type) {
    case ParameterType::boolean:
      return "boolean";
    case ParameterType::integer:
      return "integer";
    case ParameterType::number:
      return "number";
    case ParameterType::text:
      return "text";
    case ParameterType::texts:
      return "texts";
    case ParameterType::path:
      return "path";
    case ParameterType::choice:
      return "choice";
    case ParameterType::duration:
      return "duration";
    case ParameterType::bytes:
      return "bytes";
    case ParameterType::column:
      return "column";
    case ParameterType::columns:
      return "columns";
    case ParameterType::expression:
      return "expression";
    case ParameterType::predicate:
      return "predicate";
    case ParameterType::expressions:
      return "expressions";
    case ParameterType::aggregates:
      return "aggregates";
    case ParameterType::order:
      return "order";
    case ParameterType::column_types:
      return "column_types";
    case ParameterType::rows:
      return "rows";
    case ParameterType::connection:
      return "connection";
  }
  return "text";
}

const char* to_string(Guarantee guarantee) {
  switch (guarantee) {
    case Guarantee::exactly_once:
      return "exactly-once";
    case Guarantee::at_least_once:
      return "at-least-once";
    case Guarantee::at_most_once:
      return "at-most-once";
  }
  return "at-most-once";
}

const Parameter* OperatorDescription::find(const std::string& parameter) const {
  for (const Parameter& candidate : parameters) {
    if (candidate.name == parameter) return &candidate;
  }
  return nullptr;
}

}  // namespace troupe
