#include "runtime/descriptor/shape_test.hpp"

#include "runtime/base/json.hpp"
#include "runtime/base/near.hpp"
#include "runtime/descriptor/map_reader.hpp"
#include "runtime/operator/operator_kind.hpp"

#include <set>
#include <utility>

namespace troupe {
namespace {

class TestShaper {
 public:
  TestShaper(const SourceText& source, const std::vector<ParameterDeclaration>& parameters,
             Diagnostics& diagnostics)
      : source_(source), parameters_(parameters), diagnostics_(diagnostics) {}

  JobTest run(const YamlNode& node) {
    JobTest test;
    test.line = source_.position(node.offset).line;
    MapReader reader(node, "a test", diagnostics_,
                     {"name", "description", "params", "given", "expect"});
    if (!reader.is_map()) return test;
    reader.require("name", node.offset);
    reader.require("expect", node.offset);
    test.name = reader.text("name").value_or("");
    test.description = reader.text("description").value_or("");
    if (const YamlNode* params = reader.map("params")) parameters(*params, test);
    if (const YamlNode* given = reader.map("given")) {
      for (const YamlEntry& entry : given->entries) {
        test.given[entry.key.text] = given_rows(entry);
      }
    }
    if (const YamlNode* expect = reader.map("expect")) {
      for (const YamlEntry& entry : expect->entries) {
        test.expect[entry.key.text] = expectation(entry);
      }
    }
    return test;
  }

 private:
  void parameters(const YamlNode& params, JobTest& test) {
    for (const YamlEntry& entry : params.entries) {
      const ParameterDeclaration* declared = find(entry.key);
      if (!declared) continue;
      const Result<Value> value = parse_parameter(*declared, entry.value.text);
      if (value) {
        test.parameters.emplace(entry.key.text, *value);
      } else {
        diagnostics_.report(Mistake::bad_parameter, entry.value.offset, marked_bytes(entry.value),
                            value.error().message, value.error().hint);
      }
    }
  }

  const ParameterDeclaration* find(const YamlNode& key) {
    std::vector<std::string> names;
    for (const ParameterDeclaration& declared : parameters_) {
      if (declared.name == key.text) return &declared;
      names.push_back(declared.name);
    }
    diagnostics_.report(Mistake::unknown_parameter, key.offset, marked_bytes(key),
                        fmt::format("there is no parameter '{}'", key.text),
                        did_you_mean(key.text, names), names);
    return nullptr;
  }

  /// A list of rows, or {rows: [...], types: {column: type}}.
  TestRows given_rows(const YamlEntry& entry) {
    TestRows given;
    given.types = std::make_shared<const Json>(Json::object());
    if (entry.value.kind != YamlNode::Kind::map) {
      given.rows = rows(entry.value, entry.key.text);
      return given;
    }
    MapReader reader(entry.value, entry.key.text, diagnostics_, {"rows", "types"});
    const YamlNode* listed = reader.require("rows", entry.key.offset, marked_bytes(entry.key));
    if (listed) given.rows = rows(*listed, "rows");
    if (const YamlNode* types = reader.map("types")) {
      given.types = std::make_shared<const Json>(to_json(*types));
    }
    return given;
  }

  std::shared_ptr<const Json> rows(const YamlNode& node, const std::string& name) {
    if (node.kind != YamlNode::Kind::list) {
      report_wrong_type(diagnostics_, node, name, "a list of rows");
      return std::make_shared<const Json>(Json::array());
    }
    for (const YamlNode& row : node.items) {
      if (row.kind != YamlNode::Kind::map) {
        report_wrong_type(diagnostics_, row, name, "rows, each a map from column to value");
      } else if (row.entry("watermark") && row.entries.size() == 1) {
        diagnostics_.report(Mistake::not_supported, row.offset, 1,
                            "watermarks in tests are not supported by this version",
                            "leave it out");
      }
    }
    return std::make_shared<const Json>(to_json(node));
  }

  Expectation expectation(const YamlEntry& entry) {
    Expectation expected;
    const std::size_t before = diagnostics_.size();
    MapReader reader(entry.value, entry.key.text, diagnostics_,
                     {"in_any_order", "in_order", "contains", "count"}, {"last"});
    if (!reader.is_map()) return expected;
    if (entry.value.entries.size() != 1) {
      diagnostics_.report(
          Mistake::bad_test, entry.key.offset, marked_bytes(entry.key),
          fmt::format("'{}' wants one of in_any_order, in_order, contains, count", entry.key.text));
      return expected;
    }
    if (diagnostics_.size() != before) return expected;
    const YamlEntry& only = entry.value.entries.front();
    if (only.key.text == "count") {
      expected.kind = Expectation::Kind::count;
      const Json count = to_json(only.value);
      if (!count.is_number_integer() || count.get<std::int64_t>() < 0) {
        report_wrong_type(diagnostics_, only.value, "count", "a number of rows");
      } else {
        expected.count = count.get<std::int64_t>();
      }
      return expected;
    }
    if (only.key.text == "in_order") expected.kind = Expectation::Kind::in_order;
    if (only.key.text == "contains") expected.kind = Expectation::Kind::contains;
    expected.rows = rows(only.value, only.key.text);
    return expected;
  }

  const SourceText& source_;
  const std::vector<ParameterDeclaration>& parameters_;
  Diagnostics& diagnostics_;
};

void check_names(const YamlNode* named, const JobGraph& graph, const OperatorRegistry& registry,
                 Diagnostics& diagnostics) {
  if (!named || named->kind != YamlNode::Kind::map) return;
  std::vector<std::string> ids;
  for (const JobVertex& vertex : graph.vertices) ids.push_back(vertex.id);
  for (const YamlEntry& entry : named->entries) {
    const YamlNode& key = entry.key;
    const JobVertex* vertex = graph.find(key.text);
    const OperatorKind* kind = vertex ? registry.find(vertex->op) : nullptr;
    if (!vertex) {
      diagnostics.report(Mistake::bad_test, key.offset, marked_bytes(key),
                         fmt::format("there is no operator '{}'", key.text),
                         did_you_mean(key.text, ids));
    } else if (kind && kind->description().role == OperatorRole::sink) {
      diagnostics.report(Mistake::bad_test, key.offset, marked_bytes(key),
                         fmt::format("'{}' ({}) is a sink: it has no rows", key.text, vertex->op),
                         "name what it reads");
    }
  }
}

}  // namespace

std::vector<JobTest> shape_tests(const YamlNode& tests, const SourceText& source,
                                 const std::vector<ParameterDeclaration>& parameters,
                                 Diagnostics& diagnostics) {
  std::vector<JobTest> shaped;
  if (tests.kind != YamlNode::Kind::list) {
    report_wrong_type(diagnostics, tests, "tests", "a list");
    return shaped;
  }
  std::set<std::string> names;
  for (const YamlNode& node : tests.items) {
    shaped.push_back(TestShaper(source, parameters, diagnostics).run(node));
    const YamlNode* name = node.find("name");
    if (name && !names.insert(name->text).second) {
      diagnostics.report(Mistake::bad_test, name->offset, marked_bytes(*name),
                         fmt::format("two tests are called '{}'", name->text));
    }
  }
  return shaped;
}

void check_tests(const YamlNode& tests, const JobGraph& graph, const OperatorRegistry& registry,
                 Diagnostics& diagnostics) {
  for (const YamlNode& test : tests.items) {
    check_names(test.find("given"), graph, registry, diagnostics);
    check_names(test.find("expect"), graph, registry, diagnostics);
  }
}

}  // namespace troupe
