// What a window operator plans, and the arithmetic of its windows; how windows close as time goes
// on is in tests/runtime/host/stream_run_test.cpp.
#include "runtime/ops/window/window_plan.hpp"
#include "runtime/os/random.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/plan_op.hpp"

#include <arrow/type.h>

using namespace troupe;

namespace {

const SchemaPtr rows =
    arrow::schema({arrow::field("card", arrow::int64()), arrow::field("amount", arrow::float64())});

PlanInput stream() { return {.schema = rows, .flow = {.stream = true, .timed = true}}; }

std::string mistake(const std::string& with, const PlanInput& input = stream()) {
  const auto plan = plan_op("window", with, std::vector<PlanInput>{input});
  return plan ? "no mistake" : plan.error().path + ": " + plan.error().message;
}

}  // namespace

TEST_CASE("the windows of a slice are those that a search finds") {
  Random random(1);
  for (int i = 0; i < 300; ++i) {
    const auto size = static_cast<std::int64_t>(1 + random.below(40));
    const auto slide =
        static_cast<std::int64_t>(1 + random.below(static_cast<std::uint64_t>(size)));
    const WindowSpan span = WindowSpan::make(size, slide);
    CHECK(size % span.slice == 0);
    CHECK(slide % span.slice == 0);
    for (std::int64_t time = 0; time < 100; ++time) {
      const std::int64_t slice = span.slice_of(time);
      CHECK(slice <= time);
      CHECK(time < slice + span.slice);
      std::int64_t first = 0, last = 0;
      for (std::int64_t begin = -10 * slide * size; begin <= time; begin += slide) {
        if (time >= begin + size) continue;
        if (last == 0) first = begin + size;
        last = begin + size;
      }
      CHECK(span.first_end(slice) == first);
      CHECK(span.last_end(slice) == last);
    }
  }
}

TEST_CASE("a window gives its keys, its bounds and what is computed, with the time of its end") {
  PlanContext context;
  context.ports_read = {"late"};
  const std::string with = R"j({"size": "1m", "slide": "10s", "group_by": ["card"],)j"
                           R"j( "select": {"total": "sum(amount)"}})j";
  const auto plan = plan_op("window", with, std::vector<PlanInput>{stream()}, context);
  REQUIRE(plan.ok());
  CHECK(plan->output()->field_names() ==
        std::vector<std::string>{"card", "window_start", "window_end", "total"});
  CHECK(plan->phases.back().flow(0) ==
        Flow{.stream = true,
             .timed = true,
             .windows = {{"window_start", 59999999}, {"window_end", -1}}});
  const auto late = plan->port("late");
  REQUIRE(late);
  const Phase& assign = plan->phases[static_cast<std::size_t>(late->phase)];
  CHECK(assign.outputs[static_cast<std::size_t>(late->port)]->Equals(*rows));
  CHECK_FALSE(plan->port("lat"));
  CHECK(plan->needs({0})[0] == std::vector<int>{0, 1});
}

TEST_CASE("a window says what is wrong with it") {
  const auto counting = [](const std::string& options) {
    return "{" + options + R"j(, "select": {"n": "count(*)"}})j";
  };
  CHECK(mistake(counting(R"("size": "1m")")) == "no mistake");
  const PlanInput table{.schema = rows, .flow = {.timed = true}};
  CHECK(mistake(counting(R"("size": "1m")"), table) == "no mistake");
  CHECK(mistake(counting(R"("size": "1m")"), {.schema = rows}) ==
        ": the rows of its input have no event time");
  CHECK(mistake(counting(R"("size": "1m", "slide": "2m")")) ==
        "slide: 'slide' is longer than nothing and no longer than 'size'");
  CHECK(mistake(counting(R"("size": "500ns")")) ==
        "size: a window is at least one microsecond long");
  CHECK(mistake(counting(R"("size": "1h", "slide": "7us")")) ==
        "slide: a window of this size would be made of 3600000000 slices; 10000 are possible");
  CHECK(mistake(R"j({"size": "1m", "select": {"n": "sum(amoun)"}})j").substr(0, 8) == "select.n");
  CHECK(mistake(R"j({"size": "1m", "select": {"window_end": "count(*)"}})j") ==
        "select.window_end: a window gives its own column 'window_end'");
}
