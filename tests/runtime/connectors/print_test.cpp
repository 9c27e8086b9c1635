// What is shown are the first rows of each epoch; of a batch job, of all.
#include "runtime/base/json.hpp"
#include "runtime/connectors/printed_rows.hpp"
#include "runtime/operator/sink.hpp"
#include "tests/runtime/connectors/connector_runner.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/rows.hpp"

#include <arrow/type.h>

using namespace troupe;

namespace {

using Lines = std::vector<std::string>;

const SchemaPtr schema = arrow::schema({arrow::field("a", arrow::int64())});

class Printer {
 public:
  Printer(const Json& with, const Flow& flow) {
    const auto plan =
        plan_connector("print", with, {}, {PlanInput{.schema = schema, .flow = flow}});
    REQUIRE(plan);
    sink_ = *plan->phases.front().make_sink();
    writer_ = *sink_->open({});
  }

  /// What an epoch of these rows shows, and of how many; nothing where it shows nothing.
  std::optional<std::pair<Lines, std::int64_t>> epoch(const std::string& json) {
    if (!json.empty()) REQUIRE(writer_->write(rows_from(schema, json)));
    const auto staged = writer_->prepare(Epoch(++epochs_));
    REQUIRE(staged);
    if (staged->empty()) return std::nullopt;
    const auto printed = decode_printed(staged->front().detail);
    REQUIRE(printed);
    CHECK(printed->rows_in_all == staged->front().rows);
    return std::pair(lines_of({*from_ipc(printed->ipc)}), printed->rows_in_all);
  }

 private:
  std::shared_ptr<Sink> sink_;
  std::unique_ptr<SinkWriter> writer_;
  std::uint64_t epochs_ = 0;
};

const Json ordered = {{"order_by", {"a desc"}}, {"limit", 2}};

}  // namespace

TEST_CASE("each epoch of a stream shows its own rows, and one without rows nothing") {
  for (const Json& with : {Json{{"limit", 2}}, ordered}) {
    Printer printer(with, {.stream = true});
    const bool sorted = with.contains("order_by");
    CHECK_FALSE(printer.epoch(""));
    CHECK(printer.epoch(R"([{"a": 1}, {"a": 2}, {"a": 3}])") ==
          std::pair(sorted ? Lines{"3", "2"} : Lines{"1", "2"}, std::int64_t{3}));
    CHECK_FALSE(printer.epoch(""));
    CHECK(printer.epoch(R"([{"a": 4}])") == std::pair(Lines{"4"}, std::int64_t{1}));
  }
}

TEST_CASE("a batch job shows that it has no rows") {
  Printer printer(ordered, {});
  CHECK(printer.epoch("") == std::pair(Lines{}, std::int64_t{0}));
}
