// Rows in a descriptor: types are found or given, and a value that does not fit is named.
#include "runtime/base/json.hpp"
#include "runtime/connectors/connectors.hpp"
#include "runtime/connectors/row_values.hpp"
#include "runtime/operator/operator_kind.hpp"
#include "runtime/operator/source.hpp"
#include "tests/support/catch.hpp"

#include <arrow/array.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

using namespace troupe;

namespace {

Result<Batch> rows(const char* json, const std::vector<NamedText>& types = {}) {
  return batch_of_rows(Json::parse(json), types);
}

}  // namespace

TEST_CASE("types are those that all values of a column have") {
  const Result<Batch> batch = rows(
      R"([{"n": 1, "x": 1, "b": true, "t": "a"}, {"x": 2.5, "late": null},
          {"n": null, "t": "b"}])");
  REQUIRE(batch);
  CHECK(batch->columns()->schema()->ToString() ==
        "n: int64\nx: double\nb: bool\nt: string\nlate: string");
  CHECK(batch->rows() == 3);
  CHECK(batch->columns()->column(0)->null_count() == 2);
}

TEST_CASE("given types are SQL, and come first") {
  const Result<Batch> batch =
      rows(R"([{"x": 1, "price": "12.50", "day": "2026-01-31"}, {"price": 3}])",
           {{"price", "numeric(10,2)"}, {"day", "date"}});
  REQUIRE(batch);
  CHECK(batch->columns()->schema()->ToString() ==
        "price: decimal128(10, 2)\nday: date32[day]\nx: int64");
  for (const auto& field : batch->columns()->schema()->fields()) CHECK(sql_name_of(field->type()));
}

TEST_CASE("what does not fit is named by row and column") {
  CHECK(rows(R"([{"a": 1}, {"a": "x"}])").error().path == "rows.1.a");
  CHECK(rows(R"([{"a": "2026-01-31"}, {"a": "soon"}])", {{"a", "date"}}).error().path ==
        "rows.1.a");
  CHECK(rows(R"([{"a": 1}])", {{"a", "bigit"}}).error().path == "types.a");
  CHECK(rows(R"([{"a": 1}])", {{"a", "int) OR (1=1"}}).error().path == "types.a");
}

TEST_CASE("the source reads its rows once, in order, only the columns that are wanted") {
  OperatorRegistry registry(system_files());
  register_connectors(registry);
  const OperatorKind& values = *registry.find("values");
  const Json with = {{"rows", Json::parse(R"([{"a": 1, "b": "x"}, {"a": 2, "b": "y"}])")}};
  PlanContext context;
  context.projection = std::vector<std::string>{"b"};
  const OperatorPlan plan = *values.plan(*Options::make(values.description(), with), {}, context);
  CHECK(plan.rows == 2);
  const auto source = *plan.phases[0].make_source();
  const std::vector<Split> splits = *source->splits(8);
  REQUIRE(splits.size() == 1);
  const auto reader = *source->open(splits[0]);
  const Batch batch = *reader->next();
  CHECK(batch.columns()->schema()->ToString() == "b: string");
  CHECK(batch.rows() == 2);
  CHECK_FALSE(*reader->next());
}
