#include "runtime/descriptor/job_test.hpp"

#include "runtime/base/json.hpp"
#include "runtime/base/near.hpp"
#include "runtime/connectors/row_values.hpp"
#include "runtime/descriptor/check_job.hpp"
#include "runtime/graph/bound_graph.hpp"
#include "runtime/graph/task_graph.hpp"

#include <arrow/type.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

namespace troupe {
namespace {

Error told(const Diagnostic& mistake) {
  return make_error(ErrorCode::invalid_argument, "{}", render_line(mistake));
}

Result<JobFile> read_job(const std::string& file, std::string_view text,
                         const OperatorRegistry& registry,
                         std::map<std::string, std::string> parameters) {
  CheckOptions options;
  options.last = CheckStage::graph;
  options.parameters = std::move(parameters);
  options.open_parameters = true;
  CheckedJob checked = check_job(file, text, registry, options);
  if (!checked.job) return told(checked.mistakes.front());
  return *std::move(checked.job);
}

/// The schema of the operator's output, or null if that is not known.
SchemaPtr output_of(const JobGraph& graph, const BoundGraph& bound, const std::string& id) {
  for (std::size_t v = 0; v < graph.vertices.size(); ++v) {
    if (graph.vertices[v].id != id || !bound.plans[v]) continue;
    return bound.plans[v]->phases.back().outputs.empty() ? nullptr : bound.plans[v]->output();
  }
  return nullptr;
}

/// The types of given rows: those of the operator's columns, if SQL has a name for them, and those
/// that the test gives.
Result<Json> types_of(const std::string& id, const TestRows& given, const SchemaPtr& schema) {
  Json types = Json::object();
  if (!schema) return *given.types;
  for (const auto& field : schema->fields()) {
    const Result<std::string> name = sql_name_of(field->type());
    if (name) types[field->name()] = *name;
  }
  for (const auto& [column, type] : given.types->items()) types[column] = type;
  for (const Json& row : *given.rows) {
    for (const auto& [column, value] : row.items()) {
      if (schema->GetFieldIndex(column) >= 0 || types.contains(column)) continue;
      Error error = make_error(ErrorCode::invalid_argument,
                               "given rows of '{}' have a column '{}', "
                               "which it does not have",
                               id, column);
      error.hint = did_you_mean(column, schema->field_names());
      return error;
    }
  }
  return types;
}

/// The vertex that stands in for a given operator.
Result<JobVertex> given_vertex(const std::string& id, const TestRows& given,
                               const SchemaPtr& schema) {
  Json with = {{"rows", *given.rows}};
  Json types = TRY(types_of(id, given, schema));
  if (!types.empty()) with["types"] = std::move(types);
  JobVertex vertex{id, "values", std::make_shared<const Json>(std::move(with))};
  return vertex;
}

/// All operators that the expected ones get rows from, up to the given ones.
std::set<std::string> wanted(const JobGraph& graph, const JobTest& test) {
  std::set<std::string> ids;
  for (const auto& [id, expectation] : test.expect) ids.insert(id);
  for (auto vertex = graph.vertices.rbegin(); vertex != graph.vertices.rend(); ++vertex) {
    if (!ids.count(vertex->id) || test.given.count(vertex->id)) continue;
    for (const JobInput& input : vertex->inputs) ids.insert(input.from);
  }
  return ids;
}

/// The part of the graph without operators that use a parameter without a value, and without those
/// that read from them.
JobGraph known_part(const JobFile& job) {
  JobGraph known;
  known.name = job.graph.name;
  known.settings = job.graph.settings;
  // Producers stand first, so an unknown one has been left out before its readers are looked at.
  for (const JobVertex& vertex : job.graph.vertices) {
    const bool reads_known =
        std::all_of(vertex.inputs.begin(), vertex.inputs.end(),
                    [&](const JobInput& input) { return known.find(input.from) != nullptr; });
    if (reads_known && !job.open.count(vertex.id)) known.vertices.push_back(vertex);
  }
  return known;
}

Error needs_parameter(const std::string& vertex, const std::set<std::string>& names) {
  Error error = make_error(ErrorCode::invalid_argument, "'{}' needs a value of the parameter '{}'",
                           vertex, fmt::join(names, "', '"));
  error.hint = fmt::format("give rows of '{}' or of what reads it, or `params: {{{}: ...}}`, or -p",
                           vertex, *names.begin());
  return error;
}

}  // namespace

Result<TestRun> plan_test(const std::string& file, std::string_view text, const JobTest& test,
                          const OperatorRegistry& registry,
                          const std::map<std::string, std::string>& parameters) {
  std::map<std::string, std::string> values = parameters;
  for (const auto& [name, value] : test.parameters) values[name] = to_text(value);
  const JobFile job = TRY(read_job(file, text, registry, std::move(values)));
  const JobGraph known = known_part(job);
  const BoundGraph whole = plan_vertices(known, registry, 1);
  const std::set<std::string> ids = wanted(job.graph, test);
  TestRun run;
  run.graph.name = job.graph.name;
  run.graph.settings = job.graph.settings;
  for (const JobVertex& vertex : job.graph.vertices) {
    if (!ids.count(vertex.id)) continue;
    const auto given = test.given.find(vertex.id);
    if (given == test.given.end()) {
      const auto open = job.open.find(vertex.id);
      if (open != job.open.end()) return needs_parameter(vertex.id, open->second);
      run.graph.vertices.push_back(vertex);
    } else {
      const SchemaPtr schema = output_of(known, whole, vertex.id);
      run.graph.vertices.push_back(TRY(given_vertex(vertex.id, given->second, schema)));
      run.graph.vertices.back().event_time = vertex.event_time;
    }
  }
  for (const auto& [id, expectation] : test.expect) run.collect.insert(id);
  const std::vector<Error> errors = troupe::bind(run.graph, registry, run.collect);
  if (!errors.empty()) return errors.front().within(errors.front().path);
  return run;
}

Result<std::vector<TestReport>> run_tests(const std::string& file, std::string_view text,
                                          const OperatorRegistry& registry, const RunGraph& run,
                                          const TestFilter& filter,
                                          const std::map<std::string, std::string>& parameters) {
  const JobFile job = TRY(read_job(file, text, registry, parameters));
  std::vector<TestReport> reports;
  for (const JobTest& test : job.tests) {
    if (filter && !filter(test.name)) continue;
    TestReport report{test.name, test.line};
    const Result<TestRun> planned = plan_test(file, text, test, registry, parameters);
    if (planned) {
      const auto rows = run(planned->graph, planned->collect);
      report.failures =
          rows ? compare_test(test, *rows) : std::vector<std::string>{rows.error().to_string()};
    } else {
      report.failures = {planned.error().to_string()};
    }
    reports.push_back(std::move(report));
  }
  return reports;
}

}  // namespace troupe
