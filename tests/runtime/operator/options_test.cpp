// What a user writes under `with:` is checked against the operator's description: all mistakes are
// told at once, each at its place; what passes reads back in one normal form.
#include "runtime/operator/options.hpp"

#include "runtime/base/json.hpp"
#include "tests/support/catch.hpp"

using namespace troupe;

namespace {

Parameter parameter(const std::string& name, ParameterType type) {
  return {.name = name, .type = type, .help = "the " + name};
}

/// One parameter of every type, named like its type.
const OperatorDescription& everything() {
  static const OperatorDescription description = [] {
    OperatorDescription all{.name = "everything"};
    for (int i = 0; i <= static_cast<int>(ParameterType::rows); ++i) {
      const auto type = static_cast<ParameterType>(i);
      all.parameters.push_back(parameter(to_string(type), type));
    }
    for (Parameter& one : all.parameters) {
      if (one.type == ParameterType::choice) one.choices = {"inner", "left", "full"};
    }
    return all;
  }();
  return description;
}

Options options(const char* with) { return *Options::make(everything(), Json::parse(with)); }

/// "path: message (hint)" of each mistake.
std::vector<std::string> mistakes(const OperatorDescription& description, const char* with) {
  std::vector<std::string> lines;
  for (const Error& error : Options::check(description, Json::parse(with))) {
    CHECK(error.code == ErrorCode::invalid_argument);
    const std::string hint = error.hint.empty() ? "" : " (" + error.hint + ")";
    lines.push_back(error.path + ": " + error.message + hint);
  }
  return lines;
}

std::string mistake(const char* with) {
  const std::vector<std::string> lines = mistakes(everything(), with);
  REQUIRE(lines.size() == 1);
  return lines.front();
}

using Names = std::vector<std::string>;

std::vector<std::pair<std::string, std::string>> pairs(const std::vector<NamedText>& entries) {
  std::vector<std::pair<std::string, std::string>> result;
  for (const NamedText& entry : entries) result.emplace_back(entry.name, entry.text);
  return result;
}

using Pairs = std::vector<std::pair<std::string, std::string>>;

}  // namespace

TEST_CASE("every type reads back in its normal form") {
  CHECK(options(R"~({"boolean": true})~").boolean("boolean"));
  CHECK(options(R"~({"integer": -7})~").integer("integer") == -7);
  CHECK(options(R"~({"number": 2})~").number("number") == 2.0);
  CHECK(options(R"~({"number": 2.5})~").number("number") == 2.5);
  CHECK(options(R"~({"text": ""})~").text("text").empty());
  CHECK(options(R"~({"path": "a/*.csv"})~").text("path") == "a/*.csv");
  CHECK(options(R"~({"choice": "left"})~").text("choice") == "left");
  CHECK(options(R"~({"duration": "1m30s"})~").duration("duration") == 90s);
  CHECK(options(R"~({"bytes": "2KiB"})~").bytes("bytes") == 2048);
  CHECK(options(R"~({"bytes": 2048})~").bytes("bytes") == 2048);
  CHECK(options(R"~({"column": "delay"})~").text("column") == "delay");
  CHECK(options(R"~({"columns": ["b", "a"]})~").list("columns") == Names{"b", "a"});
  CHECK(options(R"~({"expression": "a + 1"})~").text("expression") == "a + 1");
  CHECK(options(R"~({"predicate": "a > 1"})~").text("predicate") == "a > 1");
  CHECK(options(R"~({"order": ["a desc", "b"]})~").list("order") == Names{"a desc", "b"});
  CHECK(options(R"~({"order": "a desc"})~").list("order") == Names{"a desc"});
  CHECK(pairs(options(R"~({"expressions": {"z": "b * 2", "a": "b"}})~").named("expressions")) ==
        Pairs{{"z", "b * 2"}, {"a", "b"}});
  CHECK(pairs(options(R"~({"aggregates": {"rows": "max(a)"
}
})~")
                  .named("aggregates")) == Pairs{{"rows", "max(a)"}});
  CHECK(pairs(options(R"~({"column_types": {"a": "bigint"}})~").named("column_types")) ==
        Pairs{{"a", "bigint"}});
}

TEST_CASE("what YAML reads as a value is SQL where SQL is wanted") {
  CHECK(options(R"~({"expression": 1.5})~").text("expression") == "1.5");
  CHECK(options(R"~({"predicate": true})~").text("predicate") == "true");
  CHECK(pairs(options(R"~({"expressions": {"one": 1}})~").named("expressions")) ==
        Pairs{{"one", "1"}});
}

TEST_CASE("a list of plain columns is quoted, so that any name works") {
  CHECK(pairs(options(R"~({"expressions": ["delay", "Order \"X\""]})~").named("expressions")) ==
        Pairs{{"delay", "\"delay\""}, {"Order \"X\"", "\"Order \"\"X\"\"\""}});
}

TEST_CASE("a wrong type says what was wanted and what was there") {
  CHECK(mistake(R"~({"boolean": "yes"})~") ==
        "boolean: 'boolean' wants true or false, not the text 'yes'");
  CHECK(mistake(R"~({"integer": 1.5})~") ==
        "integer: 'integer' wants a whole number, not the number 1.5");
  CHECK(mistake(R"~({"integer": 9223372036854775808})~") ==
        "integer: 'integer' wants a number of at most 9223372036854775807, not the number "
        "9223372036854775808");
  CHECK(mistake(R"~({"number": []})~") == "number: 'number' wants a number, not a list");
  CHECK(mistake(R"~({"text": 5})~") ==
        "text: 'text' wants a text; put it in quotes, not the number 5");
  CHECK(mistake(R"~({"path": ""})~") == "path: 'path' wants a path, not the text ''");
  CHECK(mistake(R"~({"choice": "lefd"})~") ==
        "choice: 'choice' wants one of inner, left, full, not 'lefd' (did you mean 'left'?)");
  CHECK(mistake(R"~({"duration": 10})~") ==
        "duration: 'duration' wants a duration with its unit, such as 10s, not the number 10");
  CHECK(mistake(R"~({"duration": "10 x"})~").starts_with("duration: '10 x' is not a duration"));
  CHECK(mistake(R"~({"bytes": "1 mb"})~").starts_with("bytes: '1 mb' is not a number of bytes"));
  CHECK(mistake(R"~({"bytes": -1})~").starts_with("bytes: 'bytes' wants a number of bytes"));
  CHECK(mistake(R"~({"column": null})~") ==
        "column: 'column' wants the name of a column, not nothing");
  CHECK(mistake(R"~({"columns": "a"})~") ==
        "columns: 'columns' wants a list of column names, not the text 'a'");
  CHECK(mistake(R"~({"columns": []})~") ==
        "columns: 'columns' wants at least one entry, not a list");
  CHECK(mistake(R"~({"expression": ""})~") ==
        "expression: 'expression' wants a SQL expression, not the text ''");
  CHECK(mistake(R"~({"predicate": {}})~") ==
        "predicate: 'predicate' wants a SQL expression, not a map");
  CHECK(mistake(R"~({"expressions": "a"})~").starts_with("expressions: 'expressions' wants a map"));
  CHECK(mistake(R"~({"aggregates": ["a"]})~").starts_with("aggregates: 'aggregates' wants a map"));
  CHECK(mistake(R"~({"order": {"a": "desc"}})~").starts_with("order: 'order' wants a list"));
  CHECK(
      mistake(R"~({"column_types": []})~").starts_with("column_types: 'column_types' wants a map"));
}

TEST_CASE("a mistake inside a list or map has the place of its entry") {
  CHECK(mistake(R"~({"columns": ["a", 2]})~") ==
        "columns.1: an entry of 'columns' must be a text, not the number 2");
  CHECK(mistake(R"~({"columns": ["a", "b", "a"]})~") == "columns.2: 'columns' has 'a' twice");
  CHECK(mistake(R"~({"expressions": {"a": "x", "b": null}})~") ==
        "expressions.b: 'b' of 'expressions' wants a text in SQL, not nothing");
  CHECK(mistake(R"~({"aggregates": {"a": ["max(a)"]}})~") ==
        "aggregates.a: 'a' of 'aggregates' wants a text in SQL, not a list");
}

TEST_CASE("all mistakes are told at once") {
  OperatorDescription join{.name = "join"};
  join.parameters = {
      {.name = "keys",
       .type = ParameterType::columns,
       .help = "columns to match",
       .required = true},
      {.name = "type", .type = ParameterType::choice, .help = "the type", .choices = {"inner"}},
      {.name = "limit", .type = ParameterType::integer, .help = "rows", .min = 1, .max = 10}};
  CHECK(mistakes(join, R"~({"tpye": "inner", "type": "iner", "limit": 0, "verbose": true})~") ==
        Names{"tpye: 'join' has no parameter 'tpye' (did you mean 'type'?)",
              "verbose: 'join' has no parameter 'verbose' (it has: keys, type, limit)",
              "keys: 'join' needs 'keys': columns to match",
              "type: 'type' wants one of inner, not 'iner' (did you mean 'inner'?)",
              "limit: 'limit' wants at least 1, not the number 0"});
  CHECK(mistakes(join, R"~({"keys": ["a"], "limit": 11})~") ==
        Names{"limit: 'limit' wants at most 10, not the number 11"});
  CHECK(mistakes(join, "null") == Names{"keys: 'join' needs 'keys': columns to match"});
  CHECK(mistakes(join, "[]") == Names{": 'with' wants a map of parameters, not a list"});
  CHECK(Options::make(join, Json::array()).error().message.starts_with("'with' wants a map"));
}

TEST_CASE("defaults are filled in, and only then does has() say yes") {
  OperatorDescription description{.name = "read"};
  description.parameters = {
      {.name = "header", .type = ParameterType::boolean, .help = "", .default_value = "true"},
      {.name = "block", .type = ParameterType::bytes, .help = "", .default_value = R"("1MiB")"},
      {.name = "path", .type = ParameterType::path, .help = ""}};
  const Options defaults = *Options::make(description, Json());
  CHECK(defaults.boolean("header"));
  CHECK(defaults.bytes("block") == 1 << 20);
  CHECK(defaults.has("header"));
  CHECK_FALSE(defaults.has("path"));
  CHECK_FALSE(Options::make(description, Json{{"header", false}})->boolean("header"));
}

TEST_CASE("asking for what is not described, not set or of another type is a defect") {
  const Options some = options(R"~({"integer": 1})~");
  CHECK_THROWS_AS(some.integer("integr"), Defect);
  CHECK_THROWS_AS(some.has("integr"), Defect);
  CHECK_THROWS_AS(some.number("integer"), Defect);
  CHECK_THROWS_AS(some.text("path"), Defect);
}

TEST_CASE("texts are a list, empty ones and repeated ones included; one may stand without a list") {
  CHECK(options(R"({"texts": ["", "NA", "NA"]})").list("texts") == Names{"", "NA", "NA"});
  CHECK(options(R"({"texts": "NA"})").list("texts") == Names{"NA"});
  CHECK(mistake(R"({"texts": [1]})") ==
        "texts: 'texts' wants a list of texts; put each in quotes, not a list");
}

TEST_CASE("rows are maps of plain values") {
  CHECK(options(R"({"rows": [{"a": 1, "b": null}, {}]})").rows("rows").size() == 2);
  CHECK(mistake(R"({"rows": {"a": 1}})") == "rows: 'rows' wants a list of rows, not a map");
  CHECK(mistake(R"({"rows": [{"a": 1}, 7]})") ==
        "rows.1: a row is a map from columns to values, not the number 7");
  CHECK(mistake(R"({"rows": [{"a": [1]}]})") == "rows.0.a: a row holds plain values, not a list");
}
