// A checksum depends on the values alone: not on their order, their batches or encodings; and on
// each of them.
#include "runtime/base/json.hpp"
#include "runtime/connectors/printed_rows.hpp"
#include "runtime/operator/sink.hpp"
#include "tests/runtime/connectors/connector_runner.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/rows.hpp"

#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <algorithm>
#include <array>

using namespace troupe;

namespace {

using Lines = std::vector<std::string>;

const SchemaPtr schema =
    arrow::schema({arrow::field("a", arrow::int64()), arrow::field("b", arrow::utf8()),
                   arrow::field("c", arrow::float64())});

class Collected final : public Emitter {
 public:
  void emit(Batch batch, int) override { batches.push_back(std::move(batch)); }
  void emit_to(std::uint32_t, Batch) override { FAIL("not for one of its partitions"); }

  std::vector<Batch> batches;
};

/// What is shown of these rows, epoch by epoch; two subtasks sum them up in turn.
class Checksum {
 public:
  explicit Checksum(const SchemaPtr& of = schema, const Flow& flow = {}) {
    const auto plan = plan_connector("checksum", {{"title", "check"}}, {},
                                     {PlanInput{.schema = of, .flow = flow}});
    REQUIRE(plan);
    for (auto& subtask : subtasks_) subtask = *plan->phases.front().make_operator();
    sink_ = *plan->phases.back().make_sink();
    writer_ = *sink_->open({});
  }

  Lines of(const std::vector<Batch>& batches) {
    Collected sums;
    std::size_t turn = 0;
    for (const Batch& batch : batches) {
      REQUIRE(subtasks_[turn++ % 2]->process(0, batch, sums));
    }
    CHECK(sums.batches.empty());
    for (auto& subtask : subtasks_) REQUIRE(subtask->flush(sums));
    for (const Batch& batch : sums.batches) REQUIRE(writer_->write(batch));
    const auto staged = writer_->prepare(Epoch(1));
    REQUIRE(staged);
    REQUIRE(staged->size() == 1);
    const auto printed = decode_printed(staged->front().detail);
    REQUIRE(printed);
    CHECK(printed->title == "check");
    return lines_of({*from_ipc(printed->ipc)});
  }

 private:
  std::array<std::unique_ptr<Operator>, 2> subtasks_;
  std::shared_ptr<Sink> sink_;
  std::unique_ptr<SinkWriter> writer_;
};

}  // namespace

TEST_CASE("order, batches and encodings do not matter, values do") {
  RandomRows shape;
  const auto batches = random_rows(schema, shape);
  const Lines sums = Checksum().of(batches);
  REQUIRE(sums.size() == 4);
  CHECK(sums.front().starts_with("*|1000|"));
  auto other = batches;
  std::reverse(other.begin(), other.end());
  shape.dictionaries = false;
  CHECK(Checksum().of(other) == sums);
  other.pop_back();
  CHECK(Checksum().of(other) != sums);
}

TEST_CASE("each column has its own, nulls are counted out, and rows belong together") {
  const auto sums = [](const std::string& json) {
    return Checksum().of({rows_from(schema, json)});
  };
  const Lines two = sums(R"([{"a": 1, "b": "x", "c": 1}, {"a": 2, "b": null, "c": 2}])");
  const Lines swapped = sums(R"([{"a": 2, "b": "x", "c": 1}, {"a": 1, "b": null, "c": 2}])");
  CHECK(two[1] == swapped[1]);
  CHECK(two[2] == swapped[2]);
  CHECK(two[3] == swapped[3]);
  CHECK(two[0] != swapped[0]);
  CHECK(two[1].starts_with("a|2|"));
  CHECK(two[2].starts_with("b|1|"));
  CHECK(sums(R"([{"a": 1, "b": "x", "c": 1}, {"a": 2, "b": "", "c": 2}])")[2] != two[2]);
}

TEST_CASE("an epoch begins anew, and what is taken back was never there") {
  Checksum checksum;
  const Batch one = rows_from(schema, R"([{"a": 1, "b": "x", "c": 1}])");
  const Lines first = checksum.of({one});
  CHECK(checksum.of({one}) == first);
  CHECK(checksum.of({})[0] == "*|0|0000000000000000");

  const auto weighted = arrow::schema({schema->field(0), schema->field(1), schema->field(2),
                                       arrow::field("#weight", arrow::int64())});
  Checksum changes(schema, {.changes = true});
  CHECK(changes.of({rows_from(weighted, R"([{"a": 1, "b": "x", "c": 1, "#weight": 2},
    {"a": 1, "b": "x", "c": 1, "#weight": -1}, {"a": 5, "#weight": 1},
    {"a": 5, "#weight": -1}])")}) == first);
}

TEST_CASE("integers of all widths have one checksum; nested columns are refused when planned") {
  const auto narrow = arrow::schema({arrow::field("a", arrow::int16())});
  const auto wide = arrow::schema({arrow::field("a", arrow::int64())});
  CHECK(Checksum(narrow).of({rows_from(narrow, R"([{"a": 7}])")}) ==
        Checksum(wide).of({rows_from(wide, R"([{"a": 7}])")}));
  const auto nested = arrow::schema({arrow::field("l", arrow::list(arrow::int64()))});
  CHECK_FALSE(plan_connector("checksum", Json::object(), {}, {{nested}}).ok());
}
