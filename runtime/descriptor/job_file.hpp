#pragma once

#include "runtime/base/json_fwd.hpp"
#include "runtime/descriptor/value.hpp"
#include "runtime/graph/job_graph.hpp"

#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace troupe {

/// `metadata:`.
struct JobMetadata {
  std::string name;
  std::string job_namespace = {};
  std::string description = {};
  std::string owner = {};
  std::map<std::string, std::string> labels = {};

  /// "namespace/name", or "name".
  std::string full_name() const {
    return job_namespace.empty() ? name : job_namespace + "/" + name;
  }
};

/// One key of `params:`.
struct ParameterDeclaration {
  std::string name;
  ValueType type = ValueType::string;
  std::optional<Value> default_value = {};
  std::optional<double> min = {};
  std::optional<double> max = {};
  std::vector<Value> values = {};  ///< if not empty, only these are allowed
  std::string description = {};
};

/// Reads a caller's text as a value that fits the declaration.
Result<Value> parse_parameter(const ParameterDeclaration& declaration, std::string_view text);

/// Rows that a test gives in place of an operator's output.
struct TestRows {
  std::shared_ptr<const Json> rows;   ///< a list of maps
  std::shared_ptr<const Json> types;  ///< a map from column to SQL type; empty: as the operator's
};

/// An expectation of a test about an operator's output.
struct Expectation {
  enum class Kind { in_any_order, in_order, contains, count };
  Kind kind = Kind::in_any_order;
  std::shared_ptr<const Json> rows = {};
  std::int64_t count = 0;
};

/// One entry of `tests:`.
struct JobTest {
  std::string name;
  std::string description = {};
  std::map<std::string, Value> parameters = {};
  std::map<std::string, TestRows> given = {};
  std::map<std::string, Expectation> expect = {};
  int line = 0;  ///< of the file
};

/// A checked job descriptor. The graph's parameters are filled in; how far it is checked and bound
/// is up to the caller of `check_job`.
struct JobFile {
  JobMetadata metadata;
  std::vector<ParameterDeclaration> parameters;
  JobGraph graph;
  std::vector<JobTest> tests;
  /// By operator, the parameters that it uses and that have no value. Empty unless the caller of
  /// `check_job` allows such.
  std::map<std::string, std::set<std::string>> open = {};
};

}  // namespace troupe
