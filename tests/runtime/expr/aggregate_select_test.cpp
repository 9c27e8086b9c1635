// Claim: select expressions over groups become few calls and cheap expressions over their results,
// and what cannot be grouped is refused with its place. Shown by the bound calls, schemas and by
// evaluating the outputs over an intermediate batch.
#include "runtime/expr/aggregate_select.hpp"

#include "tests/runtime/expr/sample.hpp"
#include "tests/support/catch.hpp"

#include <arrow/array.h>
#include <arrow/json/from_string.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <fmt/format.h>

namespace troupe {

namespace {

SchemaPtr sample_schema() { return sample_rows().columns()->schema(); }

const char* name_of(AggregateFunction function) {
  constexpr const char* names[] = {
      "count(*)",       "count",      "sum",      "min",     "max",        "avg",        "stddev",
      "count_distinct", "stddev_pop", "var_samp", "var_pop", "percentile", "text_joined"};
  return names[static_cast<int>(function)];
}

std::string fields_of(const SchemaPtr& schema) {
  std::string all;
  for (const auto& field : schema->fields()) {
    all += (all.empty() ? "" : ", ") + field->name() + " " + field->type()->ToString();
  }
  return all;
}

/// "sum(i4) -> int64, ..."
std::string calls_of(const AggregateSelect& select) {
  std::string all;
  for (const AggregateCall& call : select.calls) {
    const std::string argument = call.argument ? call.argument->text() : "";
    const std::string filter = call.filter ? " where " + call.filter->text() : "";
    all += fmt::format("{}{}{}{} -> {}", all.empty() ? "" : ", ", name_of(call.function),
                       argument.empty() ? "" : "(" + argument + ")", filter, call.type->ToString());
  }
  return all;
}

std::string type_of(const std::string& aggregate) {
  const auto bound = bind_aggregates({}, {{"x", aggregate}}, sample_schema());
  return bound ? bound->output->field(0)->type()->ToString() : bound.error().message;
}

std::string mistake(const std::vector<NamedText>& keys, const std::string& text) {
  const auto bound = bind_aggregates(keys, {{"x", text}}, sample_schema());
  if (bound) return "none";
  const Error& error = bound.error();
  const std::string marked = error.span ? text.substr(error.span->offset, error.span->length) : "?";
  return fmt::format("{}: {} @ {}", error.path, error.message, marked);
}

}  // namespace

TEST_CASE("equal calls are one call, whatever surrounds them") {
  const auto bound = bind_aggregates(
      {{"t", "t"}},
      {{"total", "sum(i4)"}, {"mean", "sum(i4) / count(*)"}, {"share", "sum( I4 ) * 100.0"}},
      sample_schema());
  REQUIRE(bound);
  CHECK(calls_of(*bound) == "sum(i4) -> int64, count(*) -> int64");
  CHECK(fields_of(bound->keys) == "t string");
  CHECK(fields_of(bound->intermediate) == "t string, #0 int64, #1 int64");
  CHECK(fields_of(bound->output) == "t string, total int64, mean int64, share decimal128(38, 1)");
  REQUIRE(bound->outputs.size() == 3);
  CHECK(bound->outputs[0].as_column() == 1);

  const auto array = [](const auto& type, const char* values) {
    return arrow::json::ArrayFromJSONString(type, values).ValueOrDie();
  };
  const Batch results(arrow::RecordBatch::Make(
      bound->intermediate, 2,
      {array(arrow::utf8(), R"(["a", "b"])"), array(arrow::int64(), "[7, null]"),
       array(arrow::int64(), "[2, 3]")}));
  CHECK(shown(**bound->outputs[1].evaluate(results), 0) == "3");
  CHECK(shown(**bound->outputs[1].evaluate(results), 1) == "NULL");
  CHECK(shown(**bound->outputs[2].evaluate(results), 0) == "700.0");
}

TEST_CASE("group keys are columns, expressions with a name, and both ways of naming them") {
  const auto bound = bind_aggregates({{"", "Cap"}, {"day", "date_trunc('day', ts)"}},
                                     {{"shown", "upper(\"Cap\")"},
                                      {"next", "day + INTERVAL '1 day'"},
                                      {"same", "date_trunc('day',ts)"},
                                      {"n", "count(*)"}},
                                     sample_schema());
  REQUIRE(bound);
  CHECK(fields_of(bound->keys) == "Cap string, day timestamp[us]");
  REQUIRE(bound->key_values.size() == 2);
  CHECK(bound->key_values[0].as_column() == 11);
  CHECK(bound->outputs[2].as_column() == 1);
  CHECK(bound->outputs[3].as_column() == 2);
}

TEST_CASE("filters and distinct belong to the call") {
  const auto bound = bind_aggregates({},
                                     {{"a", "count(DISTINCT t)"},
                                      {"b", "count_distinct(t)"},
                                      {"c", "count(t) FILTER (WHERE i4 > 0)"},
                                      {"d", "count(t) FILTER (WHERE i4 > 1)"},
                                      {"e", "count(*) FILTER (WHERE b)"},
                                      {"f", "count(*)"},
                                      {"g", "max(DISTINCT i4)"}},
                                     sample_schema());
  REQUIRE(bound);
  CHECK(calls_of(*bound) ==
        "count_distinct(t) -> int64, count(t) where i4 > 0 -> int64, "
        "count(t) where i4 > 1 -> int64, count(*) where b -> int64, count(*) -> int64, "
        "max(i4) -> int32");
}

TEST_CASE("results have the documented types") {
  CHECK(type_of("sum(i2)") == "int64");
  CHECK(type_of("sum(i8)") == "int64");
  CHECK(type_of("sum(f4)") == "double");
  CHECK(type_of("sum(n)") == "decimal128(38, 2)");
  CHECK(type_of("sum(n * 1.5)") == "decimal128(38, 3)");
  CHECK(type_of("avg(i4)") == "double");
  CHECK(type_of("avg(n)") == "decimal128(38, 8)");
  CHECK(type_of("stddev(i4)") == "double");
  CHECK(type_of("stddev_samp(n)") == "double");
  CHECK(type_of("variance(i4)") == "double");
  CHECK(type_of("var_pop(n)") == "double");
  CHECK(type_of("bool_and(b)") == "bool");
  CHECK(type_of("NOT every(i4 > 0)") == "bool");
  CHECK(type_of("bool_or(i4)") == "function bool_or(integer) does not exist");
  CHECK(type_of("min(t)") == "string");
  CHECK(type_of("max(ts)") == "timestamp[us]");
  CHECK(type_of("min(n)") == "decimal128(10, 2)");
  CHECK(type_of("sum(t)") == "function sum(text) does not exist");
  CHECK(type_of("avg(d)") == "function avg(date) does not exist");
  CHECK(type_of("count(t)") == "int64");
  CHECK(type_of("median(n)") == "double");
  CHECK(type_of("median(d)") == "function median(date) does not exist");
  CHECK(type_of("string_agg(t, ',')") == "string");
  CHECK(type_of("any_value(ts)") == "timestamp[us]");
  CHECK(type_of("any_value(b)") == "bool");
  CHECK(type_of("sum(DISTINCT n)") == "decimal128(38, 2)");
}

TEST_CASE("what cannot stand in a select of groups is refused with its place") {
  const std::vector<NamedText> by_t = {{"t", "t"}};
  CHECK(mistake(by_t, "i4 + 1") ==
        "select.x: column \"i4\" must appear in group_by or be used in an aggregate function @ i4");
  CHECK(mistake(by_t, "sum(avg(i4))") ==
        "select.x: aggregate function calls cannot be nested @ avg(i4)");
  CHECK(mistake(by_t, "sum(i5)") == "select.x: column \"i5\" does not exist @ i5");
  CHECK(mistake(by_t, "sum(*)") == "select.x: sum(*): only count takes * @ sum(*)");
  CHECK(mistake(by_t, "sum(i4, 1)") == "select.x: sum takes one argument, not 2 @ sum(i4, 1)");
  CHECK(mistake(by_t, "median(DISTINCT i4)") ==
        "select.x: median(DISTINCT ..) is not supported @ median(DISTINCT i4)");
  CHECK(mistake(by_t, "percentile_cont(0.5, i4)") ==
        "select.x: write percentile_cont(0.5) WITHIN GROUP (ORDER BY x) @ "
        "percentile_cont(0.5, i4)");
  CHECK(mistake(by_t, "percentile_cont(1.5) WITHIN GROUP (ORDER BY i4)") ==
        "select.x: percentile value 1.5 is not between 0 and 1 @ 1.5");
  CHECK(mistake(by_t, "string_agg(t, ',' ORDER BY i4)")
            .starts_with("select.x: string_agg is ordered by its argument"));
  CHECK(mistake(by_t, "string_agg(i4, ',')") ==
        "select.x: function string_agg(integer) does not exist @ string_agg(i4, ',')");
  CHECK(mistake(by_t, "count(*) FILTER (WHERE i4)") ==
        "select.x: argument of FILTER must be type boolean, not type integer @ i4");
  CHECK(mistake({{"k", "sum(i4)"}}, "1") ==
        "group_by.0: aggregate functions are not allowed in group_by @ 1");
  CHECK(mistake({{"k", "nope"}}, "1").starts_with("group_by.0: column \"nope\" does not exist"));
  CHECK(mistake({{"x", "t"}}, "count(*)").find("two output columns") != std::string::npos);
}

TEST_CASE("a function that is not there is named, whatever its arguments are") {
  const std::vector<NamedText> by_t = {{"t", "t"}};
  CHECK(mistake(by_t, "medain(i4)") == "select.x: function medain does not exist @ medain(i4)");
  const auto hint = [&](const std::string& text) {
    return bind_aggregates(by_t, {{"x", text}}, sample_schema()).error().hint;
  };
  CHECK(hint("medain(i4)") == "did you mean 'median'?");
  CHECK(hint("group_concat(i4)") == "it is written string_agg(x, ',')");
}

TEST_CASE("calls that differ in a separator, a fraction or an order are different calls") {
  const auto bound = bind_aggregates({},
                                     {{"a", "string_agg(t, ',')"},
                                      {"b", "string_agg(t, ';')"},
                                      {"c", "string_agg(t, ',' ORDER BY t DESC)"},
                                      {"d", "string_agg(DISTINCT t, ',')"},
                                      {"e", "median(i4)"},
                                      {"f", "percentile_cont(0.5) WITHIN GROUP (ORDER BY i4)"},
                                      {"g", "percentile_cont(0.4) WITHIN GROUP (ORDER BY i4)"},
                                      {"h", "sum(i4)"},
                                      {"i", "sum(DISTINCT i4)"}},
                                     sample_schema());
  REQUIRE(bound);
  CHECK(bound->calls.size() == 8);
}

TEST_CASE("a difference in a constant is a difference") {
  const auto bound = bind_aggregates({{"k", "i4 - 1"}}, {{"x", "i4 - 0"}}, sample_schema());
  CHECK(!bound);
}

TEST_CASE("a sort term has a direction and a place for nulls") {
  const auto term = [](const char* text) {
    const auto bound = bind_order(text, sample_schema());
    if (!bound) return bound.error().message;
    return fmt::format("{} {} {}", bound->value.text(), bound->descending ? "desc" : "asc",
                       bound->nulls_first ? "first" : "last");
  };
  CHECK(term("i4") == "i4 asc last");
  CHECK(term("i4 DESC") == "i4 desc first");
  CHECK(term("i4 desc nulls last") == "i4 desc last");
  CHECK(term("i4 + 1 ASC NULLS FIRST") == "i4 + 1 asc first");
  CHECK(term("1").starts_with("a constant orders nothing"));
  CHECK(term("i4, t").starts_with("one sort term is expected"));
  CHECK(term("i4 LIMIT 1").starts_with("one sort term is expected"));
  const auto unknown = bind_order("i5 desc", sample_schema());
  REQUIRE(!unknown);
  CHECK(unknown.error().span == TextSpan{0, 2});
}

}  // namespace troupe
