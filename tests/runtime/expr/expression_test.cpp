// Claim: every mistake that can be known is found when an expression is bound, with its place and
// the nearest right name; predicates keep the rows for which they are true; bounds are true of all
// of them. Shown on small schemas with the exact spans.
#include "runtime/expr/expression_set.hpp"
#include "runtime/functions/function.hpp"
#include "tests/runtime/expr/sample.hpp"
#include "tests/support/catch.hpp"

#include <arrow/array.h>
#include <arrow/json/from_string.h>
#include <arrow/record_batch.h>
#include <arrow/scalar.h>
#include <arrow/type.h>
#include <fmt/format.h>

#include <fstream>
#include <sstream>

namespace troupe {

namespace {

SchemaPtr sample_schema() { return sample_rows().columns()->schema(); }

/// The error of an expression with the place it marks: "message @ marked text (hint)".
std::string mistake(const std::string& text) {
  const Result<Expression> bound = Expression::bind(text, sample_schema());
  if (bound) return "none";
  const Error& error = bound.error();
  std::string told = error.message;
  if (error.span) told += " @ " + text.substr(error.span->offset, error.span->length);
  if (!error.hint.empty()) told += " (" + error.hint + ")";
  return told;
}

ErrorCode code_of(const std::string& text) {
  return Expression::bind(text, sample_schema()).error().code;
}

std::string values_of(const std::string& text, const Batch& rows) {
  const auto bound = Expression::bind(text, rows.columns()->schema());
  if (!bound) return bound.error().to_string();
  const auto values = bound->evaluate(rows);
  if (!values) return values.error().to_string();
  std::string all;
  for (std::int64_t row = 0; row < (*values)->length(); ++row) {
    all += (row == 0 ? "" : " ") + shown(**values, row);
  }
  return all;
}

Batch one_column(const std::shared_ptr<arrow::DataType>& type, const char* values) {
  const auto array = arrow::json::ArrayFromJSONString(type, values).ValueOrDie();
  return Batch(
      arrow::RecordBatch::Make(arrow::schema({arrow::field("x", type)}), array->length(), {array}));
}

Batch dictionary_of(const std::shared_ptr<arrow::DataType>& words) {
  const auto values = arrow::DictionaryArray::FromArrays(
      arrow::json::ArrayFromJSONString(arrow::int32(), "[0, 1, null, 1]").ValueOrDie(),
      arrow::json::ArrayFromJSONString(words, R"(["a", "bb", "c", "d", "e"])").ValueOrDie());
  return Batch(arrow::RecordBatch::Make(arrow::schema({arrow::field("x", words)}), 4,
                                        {values.ValueOrDie()}));
}

std::string bounds_of(const std::string& text, const SchemaPtr& schema = sample_schema()) {
  const Result<Expression> bound = Expression::bind_predicate(text, schema);
  if (!bound) return bound.error().to_string();
  std::string all;
  for (const ColumnBound& bound_term : bound->bounds()) {
    const char* names[] = {"=", "<>", "<", "<=", ">", ">="};
    all += fmt::format("{}{}{} {}:{}", all.empty() ? "" : ", ",
                       schema->field(bound_term.column)->name(),
                       names[static_cast<int>(bound_term.comparison)],
                       bound_term.literal->ToString(), bound_term.literal->type->ToString());
  }
  return all;
}

}  // namespace

TEST_CASE("a mistake says its place and the nearest right name") {
  CHECK(mistake("i4 + depht") == "column \"depht\" does not exist @ depht");
  CHECK(mistake("1 + ii4") == "column \"ii4\" does not exist @ ii4 (did you mean 'i4'?)");
  CHECK(mistake("upper(\"cap\")") ==
        "column \"cap\" does not exist @ \"cap\" (did you mean 'Cap'?)");
  CHECK(mistake("lowr(t)") ==
        "function lowr(text) does not exist @ lowr(t) (did you mean 'lower'?)");
  CHECK(mistake("1 + (t + 1)").starts_with("operator does not exist: text + integer @ t + 1"));
  CHECK(mistake("d > 'tomorrow'") ==
        "invalid input syntax for type date: \"tomorrow\" @ 'tomorrow'");
  CHECK(mistake("abs(i4, 2)")
            .starts_with("function abs(integer, integer) does not exist @ abs(i4, 2) "
                         "(there is abs(smallint)"));
  CHECK(mistake("extract(moon FROM ts)").starts_with("unit \"moon\" not recognized"));
  CHECK(mistake("i4::intger") ==
        "type \"intger\" does not exist @ intger (did you mean 'integer'?)");
}

TEST_CASE("a syntax error says where the text goes wrong") {
  CHECK(mistake("i4 +") == "syntax error at the end: something is missing @ ");
  CHECK(mistake("i4 + * 2") == "syntax error at or near \"*\" @ *");
  CHECK(mistake("'é' || ) t") == "syntax error at or near \")\" @ )");
  CHECK(mistake("t = 'abc").starts_with("unterminated quoted string"));
  CHECK(mistake("").starts_with("an expression is expected"));
}

TEST_CASE("only one scalar expression is an expression") {
  CHECK(mistake("i4, t").starts_with("one expression is expected, not a list"));
  CHECK(mistake("i4 AS x").starts_with("an expression has no name of its own"));
  CHECK(mistake("i4 FROM other").starts_with("one expression is expected, not a query"));
  CHECK(mistake("1; DROP TABLE x").starts_with("one expression is expected, not statements"));
  CHECK(mistake("DISTINCT i4").starts_with("one expression is expected, not a query"));
}

TEST_CASE("what the language of expressions leaves out is refused as unsupported, with its place") {
  for (const char* text : {"(SELECT 1)",
                           "i4 IN (SELECT 1)",
                           "EXISTS (SELECT 1)",
                           "sum(i4) OVER ()",
                           "$1",
                           "now()",
                           "random()",
                           "current_date",
                           "current_timestamp",
                           "ARRAY[1]",
                           "(ARRAY[1])[1]",
                           "ROW(1, 2)",
                           "i4 = ANY (ARRAY[1])",
                           "t COLLATE \"C\"",
                           "ts AT TIME ZONE t",
                           "to_date(t, 'Q YYYY')",
                           "to_timestamp(t, 'HH24:MI')",
                           "sample.i4",
                           "i4 & 1",
                           "t SIMILAR TO 'a'",
                           "t ~ \"Cap\"",
                           "1::time",
                           "B'101'",
                           "round(n, i4)"}) {
    INFO(text);
    REQUIRE(!Expression::bind(text, sample_schema()));
    CHECK(code_of(text) == ErrorCode::unsupported);
    CHECK(Expression::bind(text, sample_schema()).error().span.has_value());
  }
  CHECK(code_of("sum(i4)") == ErrorCode::invalid_argument);
}

TEST_CASE("size and depth are bounded") {
  const auto nested = [](int depth) {
    return std::string(static_cast<std::size_t>(depth), '(') + "i4" +
           std::string(static_cast<std::size_t>(depth), ')');
  };
  std::string sum = "i4", calls = "i4", list = "i4 IN (0";
  for (int i = 0; i < 3000; ++i) sum += "+1";
  for (int i = 0; i < 300; ++i) calls = "abs(" + calls + ")";
  for (int i = 1; i < 8000; ++i) list += "," + std::to_string(i);
  CHECK(mistake(nested(150)) == "none");
  CHECK(mistake(nested(20000)).find("memory exhausted") != std::string::npos);
  CHECK(mistake(sum).starts_with("an expression nested more than 200 deep"));
  CHECK(mistake(calls).starts_with("an expression nested more than 200 deep"));
  CHECK(mistake(sum + std::string(4000, '-')).starts_with("an expression of more than 4000"));
  CHECK(mistake(list + ")") == "none");
  CHECK(mistake("'" + std::string(70000, 'x') + "'").starts_with("an expression of 700"));
  CHECK(mistake(std::string("1 \0 2", 5)) ==
        "a zero byte in an expression @ " + std::string(1, '\0'));
  CHECK(mistake("'\xff\xfe'") != "none");
}

TEST_CASE("an error of a row has the place of the operator") {
  const auto bound = Expression::bind("1 + i4 / i2", sample_schema());
  REQUIRE(bound);
  const auto values = bound->evaluate(sample_rows());
  REQUIRE(!values);
  CHECK(values.error().code == ErrorCode::invalid_argument);
  CHECK(values.error().message == "division by zero");
  CHECK(values.error().span == TextSpan{4, 7});
}

TEST_CASE("an input that could fail is computed only for the rows that need it") {
  const Batch rows = sample_rows();
  CHECK(values_of("i2 <> 0 AND i4 / i2 > 5", rows) == "true false false true true NULL");
  CHECK(values_of("i4 / i2 > 5 AND i2 <> 0", rows) == "true false false true true NULL");
  CHECK(values_of("i2 = 0 OR i4 / i2 > 5", rows) == "true false true true true NULL");
  CHECK(values_of("CASE WHEN t ~ '^[0-9]' THEN left(t, 3)::int END", rows) ==
        "NULL NULL NULL NULL 100 NULL");
  CHECK(values_of("CASE WHEN t ~ '^[0-9]' THEN left(t, 3)::int END", sample_rows_encoded()) ==
        "NULL NULL NULL NULL 100 NULL");
  // The dictionary's words "unused" and "x" are no numbers, but no chosen row has them.
  CHECK(values_of("COALESCE(NULLIF(\"Cap\", '') = 'q', 1 / i2 = 1)", rows) ==
        "invalid_argument: division by zero");
}

TEST_CASE("nothing is computed for no rows") {
  const Batch none(sample_rows().columns()->Slice(0, 0));
  CHECK(values_of("i4 / 0", none).empty());
  CHECK(values_of("CASE WHEN i4 / 0 > 1 THEN t ELSE 'x' END", none).empty());
  CHECK(values_of("1", none).empty());
  CHECK(values_of("t LIKE 'a%' AND 1 / i2 = 0", none).empty());
}

TEST_CASE("slices of batches are read from their own begin") {
  const Batch rows(sample_rows().columns()->Slice(1, 3));
  CHECK(values_of("i4 + 1", rows) == "-16 1 1000000001");
  CHECK(values_of("NOT b", rows) == "true true false");
  CHECK(values_of("length(t)", rows) == "10 0 13");
  CHECK(values_of("n + 0.5", rows) == "0.45 0.50 100000000.49");
  CHECK(values_of("coalesce(b, true) AND f8 > 1", rows) == "false false true");
  CHECK(values_of("CASE WHEN b THEN t ELSE \"Cap\" END", rows) == "Y  naïve café 日本");
  const Batch encoded(sample_rows_encoded().columns()->Slice(1, 3));
  CHECK(values_of("CASE WHEN b THEN t ELSE \"Cap\" END", encoded) == "Y  naïve café 日本");
}

TEST_CASE("a plain column is handed on as it is, dictionary and all") {
  const Batch rows = sample_rows_encoded();
  const auto bound = Expression::bind("t", sample_schema());
  REQUIRE(bound);
  CHECK(bound->as_column() == 7);
  CHECK(bound->columns() == std::vector<int>{7});
  CHECK(bound->type()->Equals(arrow::utf8()));
  CHECK(*bound->evaluate(rows) == rows.columns()->column(7));
}

TEST_CASE("names are folded to lower case, and found as they are spelled where that fails") {
  CHECK(Expression::bind("T", sample_schema())->as_column() == 7);
  CHECK(Expression::bind("Cap", sample_schema())->as_column() == 11);
  CHECK(Expression::bind("\"Cap\"", sample_schema())->as_column() == 11);
  CHECK(!Expression::bind("CAP", sample_schema()));
  CHECK(!Expression::bind("\"T\"", sample_schema()));
}

TEST_CASE("the result has the name PostgreSQL gives it") {
  const auto name = [](const char* text) {
    return Expression::bind(text, sample_schema())->name();
  };
  CHECK(name("i4") == "i4");
  CHECK(name("upper(t)") == "upper");
  CHECK(name("i4 + 1") == "?column?");
  CHECK(name("coalesce(i4, 0)") == "coalesce");
  CHECK(name("CASE WHEN b THEN 1 END") == "case");
  CHECK(name("i4::text") == "i4");
  CHECK(name("'1'::text") == "text");
}

TEST_CASE("columns of every width and encoding are read") {
  CHECK(values_of("x + 1", one_column(arrow::int8(), "[1, -128, null]")) == "2 -127 NULL");
  CHECK(values_of("x + 1", one_column(arrow::uint8(), "[255, null]")) == "256 NULL");
  CHECK(values_of("x + 1", one_column(arrow::uint16(), "[65535]")) == "65536");
  CHECK(values_of("x + 1", one_column(arrow::uint32(), "[4294967295]")) == "4294967296");
  CHECK(values_of("x + 1", one_column(arrow::uint64(), "[18446744073709551615]")) ==
        "18446744073709551616");
  CHECK(values_of("upper(x)", one_column(arrow::large_utf8(), R"(["a", null])")) == "A NULL");
  CHECK(values_of("upper(x)", one_column(arrow::utf8_view(), R"(["a", null])")) == "A NULL");
  CHECK(values_of("length(x)", dictionary_of(arrow::large_utf8())) == "1 2 NULL 2");
  CHECK(values_of("x || x", dictionary_of(arrow::utf8_view())) == "aa bbbb NULL bbbb");
  CHECK(values_of("coalesce(x, NULL) IS NULL",
                  one_column(arrow::list(arrow::int32()), "[[1], null]")) == "false true");
  CHECK(
      values_of("coalesce(x, '1') IS NULL", one_column(arrow::list(arrow::int32()), "[[1], null]"))
          .starts_with("invalid_argument: a value of type unknown is no list"));
  CHECK(values_of("x + interval '1 day'",
                  one_column(arrow::timestamp(arrow::TimeUnit::NANO), "[1000000000, null]")) ==
        "1970-01-02 00:00:01 NULL");
  CHECK(values_of("x IS NULL", one_column(arrow::null(), "[null, null]")) == "true true");
  CHECK(values_of("x IS NULL", one_column(arrow::list(arrow::int32()), "[[1], null]")) ==
        "false true");
  CHECK(values_of("x = x", one_column(arrow::list(arrow::int32()), "[[1], null]"))
            .starts_with("invalid_argument: operator does not exist"));
}

TEST_CASE("filter keeps the rows for which the predicate is true") {
  const auto kept = [](const char* text, const Batch& rows) {
    const auto bound = Expression::bind_predicate(text, sample_schema());
    REQUIRE(bound);
    const auto result = bound->filter(rows);
    REQUIRE(result);
    std::string ids;
    for (std::int64_t i = 0; i < result->rows(); ++i) {
      ids += shown(*result->columns()->column(1), i) + " ";
    }
    return ids;
  };
  for (const Batch& rows : {sample_rows(), sample_rows_encoded()}) {
    CHECK(kept("i4 > 0", rows) == "42 1000000000 100 ");
    CHECK(kept("NOT (i4 > 0)", rows) == "-17 0 ");
    CHECK(kept("t LIKE '%o%' OR \"Cap\" = 'Y'", rows) == "42 -17 ");
    CHECK(kept("t IS NULL", rows) == "NULL ");
    CHECK(kept("true", rows) == "42 -17 0 1000000000 100 NULL ");
    CHECK(kept("NULL", rows).empty());
    CHECK(kept("b", rows) == "42 1000000000 ");
  }
  CHECK(!Expression::bind_predicate("i4", sample_schema()));
}

TEST_CASE("what expressions of a set have in common is computed once, and gives the same") {
  const auto bind = [](const char* text) { return *Expression::bind(text, sample_schema()); };
  const std::vector<Expression> all = {bind("i4 * 2"),
                                       bind("i4 * 2"),
                                       bind("i4 * 2 - i2"),
                                       bind("i4"),
                                       bind("CASE WHEN i4 <> 0 THEN 1 / i4 END"),
                                       bind("1 / i4")};
  const ExpressionSet set(all);
  for (const Batch& rows : {sample_rows(), sample_rows_encoded()}) {
    ExpressionSet::Values values(set, rows);
    const auto first = *values.of(all[0]), second = *values.of(all[1]);
    CHECK(first == second);
    for (std::size_t i = 0; i < 5; ++i) {
      const auto alone = *all[i].evaluate(rows);
      const auto together = *values.of(all[i]);
      CHECK(together->Equals(*alone));
    }
    // A branch that no row takes fails none, whatever else has its text.
    CHECK_FALSE(values.of(all[5]));
    CHECK(values.of(all[4]));
  }
}

TEST_CASE("bounds are the terms that statistics can decide") {
  CHECK(bounds_of("i4 > 5") == "i4> 5:int32");
  CHECK(bounds_of("5 < i4 AND t = 'x' AND d <= '2020-01-01'") ==
        "i4> 5:int32, t= x:string, d<= 2020-01-01:date32[day]");
  CHECK(bounds_of("i4 BETWEEN 1 AND 9") == "i4>= 1:int32, i4<= 9:int32");
  CHECK(bounds_of("i2 = 5") == "i2= 5:int16");
  CHECK(bounds_of("i2 = 70000").empty());
  CHECK(bounds_of("i4 > 2.5").empty());
  CHECK(bounds_of("n < 3") == "n< 3.00:decimal128(10, 2)");
  CHECK(bounds_of("i4 > 1 OR i4 < 0").empty());
  CHECK(bounds_of("NOT (i4 > 1)").empty());
  CHECK(bounds_of("i4 + 1 > 5").empty());
  CHECK(bounds_of("i4 > NULL").empty());
  CHECK(bounds_of("ts >= '2013-01-01'") == "ts>= 2013-01-01 00:00:00.000000:timestamp[us]");
  CHECK(bounds_of("f8 < 1") == "f8< 1:double");
  // NaN is larger than any number, and statistics of files leave it out.
  CHECK(bounds_of("f8 > 1").empty());
}

TEST_CASE("names of other databases are told how they are written here") {
  CHECK(Expression::bind("ifnull(i4, 1)", sample_schema()).error().hint ==
        "it is written coalesce(x, y)");
  CHECK(Expression::bind("year(d)", sample_schema()).error().hint ==
        "it is written extract(year FROM x)");
}

TEST_CASE("every function of the table is on the reference page") {
  std::ifstream file(std::string(SOURCE_ROOT) + "/docs/reference/expressions.md");
  REQUIRE(file.good());
  std::stringstream page;
  page << file.rdbuf();
  for (const FunctionEntry& function : function_table()) {
    INFO(function.name);
    CHECK(page.str().find(fmt::format("`{}(", function.name)) != std::string::npos);
  }
}

}  // namespace troupe
