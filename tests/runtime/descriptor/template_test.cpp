// `${{ }}`: values keep their types, text goes in as it is, SQL as literals that cannot be anything
// else; mistakes stand at their place; and places survive YAML's quoting and folding.
#include "runtime/descriptor/template.hpp"

#include "runtime/base/json.hpp"
#include "runtime/descriptor/diagnostic.hpp"
#include "runtime/descriptor/yaml_node.hpp"
#include "tests/support/catch.hpp"

using namespace troupe;

namespace {

const Names names = {{"params.top", integer_value(3)},
                     {"params.ratio", number_value(0.5)},
                     {"params.name", text_value("it's")},
                     {"params.on", boolean_value(true)},
                     {"params.since", *parse_value(ValueType::date, "2026-01-31")},
                     {"params.wait", *parse_value(ValueType::duration, "90s")},
                     {"job.name", text_value("demo")}};

std::string value_of(const std::string& text) {
  const Result<Value> value = evaluate(text, names);
  return value ? to_json(*value).dump() : value.error().to_string();
}

std::string sql_of(const std::string& text) {
  const Result<Template> made = expand(text, names, PasteAs::sql);
  return made ? made->text : made.error().to_string();
}

}  // namespace

TEST_CASE("expressions are computed with their types") {
  CHECK(value_of("params.top + 1") == "4");
  CHECK(value_of("params.top + params.ratio") == "3.5");
  CHECK(value_of("'x-' + params.top") == "\"x-3\"");
  CHECK(value_of("params.top >= 3 and not (params.name == 'its')") == "true");
  CHECK(value_of("if(params.on, 'yes', 'no') + job.name") == "\"yesdemo\"");
  CHECK(value_of("upper(replace(trim('  a-b '), '-', '+'))") == "\"A+B\"");
  CHECK(value_of("length('größe')") == "5");
  CHECK(value_of("params.since < '2026-02-01' or false") == "true");
  CHECK(value_of("-2 + 1") == "-1");
}

TEST_CASE("mistakes in expressions say where") {
  const auto span = [](const std::string& text) {
    const Result<Value> value = evaluate(text, names);
    REQUIRE_FALSE(value);
    REQUIRE(value.error().span);
    return text.substr(value.error().span->offset, value.error().span->length);
  };
  CHECK(span("params.top + nope") == "nope");
  CHECK(span("lowr('a')") == "lowr");
  CHECK(span("params.top and true") == "and true");
  CHECK(span("1 2") == "2");
  CHECK(span("('a'") == "'");
  CHECK_FALSE(evaluate(std::string(100, '(') + "1" + std::string(100, ')'), names));
  CHECK_FALSE(evaluate("9223372036854775807 + 1", names));
}

TEST_CASE("in SQL a value is a typed literal, whatever is in it") {
  CHECK(sql_of("a > ${{ params.top }}") == "a > 3");
  CHECK(sql_of("a = ${{ params.name }}") == "a = 'it''s'");
  CHECK(sql_of("a < ${{ params.ratio }}") == "a < CAST(0.5 AS double precision)");
  CHECK(sql_of("${{ params.since }}") == "DATE '2026-01-31'");
  CHECK(sql_of("t + ${{ params.wait }}") == "t + INTERVAL '90 seconds'");
  CHECK(sql_of("${{ params.on }}") == "TRUE");
  CHECK(to_sql(integer_value(INT64_MIN)) == "(-9223372036854775807 - 1)");
  CHECK(to_sql(text_value("'; DROP TABLE x; --")) == "'''; DROP TABLE x; --'");
}

TEST_CASE("outside of SQL a text keeps what stands around, and alone a value keeps its type") {
  const Result<Template> path = expand("out/${{ job.name }}/$${{ x }}", names, PasteAs::text);
  REQUIRE(path);
  CHECK(path->text == "out/demo/${{ x }}");
  CHECK_FALSE(path->only);
  const Result<Template> alone = expand("${{ params.top }}", names, PasteAs::text);
  REQUIRE(alone->only);
  CHECK(alone->only->integer == 3);
}

TEST_CASE("a place in the result is a place in the text as written") {
  const std::string text = "a = ${{ params.name }} AND b";
  const Result<Template> made = expand(text, names, PasteAs::sql);
  REQUIRE(made->text == "a = 'it''s' AND b");
  CHECK(made->origin(0).begin == 0);
  CHECK(text.substr(made->origin(6).begin, made->origin(6).end - made->origin(6).begin) ==
        "${{ params.name }}");
  CHECK(text[made->origin(made->text.size() - 1).begin] == 'b');
}

TEST_CASE("places inside of scalars are found through quotes, escapes, folds and blocks") {
  const std::string file =
      "plain: one\n  two X\nsingle: 'it''s X'\ndouble: \"a\\tb \\u00e9 \\\n   X\"\n"
      "block: |\n    one\n      two X\nfolded: >-\n  one\n  two\n\n  X\n";
  const SourceText source("f.yaml", file);
  Diagnostics diagnostics(source);
  const std::optional<YamlNode> root = parse_yaml(source, diagnostics);
  REQUIRE(root);
  int found = 0;
  for (const YamlEntry& entry : root->entries) {
    const std::size_t in_value = entry.value.text.find('X');
    REQUIRE(in_value != std::string::npos);
    const std::size_t in_file = offset_in_source(source, entry.value, in_value);
    INFO(entry.key.text);
    CHECK(file[in_file] == 'X');
    CHECK(in_file > entry.value.offset);
    ++found;
  }
  CHECK(found == 5);
}

TEST_CASE("values are read as declared, or refused with an example") {
  for (const char* good : {"2026-01-31", "2024-02-29"}) CHECK(parse_value(ValueType::date, good));
  for (const char* bad : {"2026-02-30", "2026-1-1", "20260131", "", "2026-01-31x"}) {
    CHECK_FALSE(parse_value(ValueType::date, bad));
  }
  for (const char* good :
       {"2026-01-31T10:00:00Z", "2026-01-31 10:00", "2026-01-31T10:00:00.5+02:00"}) {
    CHECK(parse_value(ValueType::timestamp, good));
  }
  for (const char* bad : {"2026-01-31T25:00", "2026-01-31T10:00:00.5+2", "10:00"}) {
    CHECK_FALSE(parse_value(ValueType::timestamp, bad));
  }
  CHECK_FALSE(parse_value(ValueType::integer, "1.5"));
  CHECK_FALSE(parse_value(ValueType::integer, "99999999999999999999"));
  CHECK_FALSE(parse_value(ValueType::number, "nan"));
  CHECK_FALSE(parse_value(ValueType::boolean, "yes"));
  CHECK(parse_value(ValueType::duration, "1h30m")->integer == 5400LL * 1000000000);
}
