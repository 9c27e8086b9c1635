// The events of Nexmark: the field's ratios and hot keys, the same whatever part of them is made,
// and every bid for an auction that began before it or is about to.
#include "runtime/base/json.hpp"
#include "runtime/connectors/nexmark_events.hpp"
#include "runtime/operator/source.hpp"
#include "tests/runtime/connectors/connector_runner.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/rows.hpp"

#include <arrow/array.h>
#include <arrow/record_batch.h>

#include <algorithm>
#include <map>
#include <set>

using namespace troupe;

namespace {

OperatorPlan plan_of(const std::string& table, std::int64_t events, std::int64_t seed = 1,
                     const PlanContext& context = {}) {
  return plan_connector("nexmark", {{"table", table}, {"events", events}, {"seed", seed}}, context)
      .value();
}

std::vector<std::int64_t> numbers_of(const OperatorPlan& plan, const std::string& column) {
  std::vector<std::int64_t> all;
  const auto batches = rows_of(plan, 1).value();
  for (const Batch& batch : batches) {
    const auto& values =
        static_cast<const arrow::Int64Array&>(*batch.columns()->GetColumnByName(column));
    all.insert(all.end(), values.raw_values(), values.raw_values() + values.length());
  }
  return all;
}

}  // namespace

TEST_CASE("of fifty events one is a person, three are auctions, the others bids; none twice") {
  std::set<std::int64_t> all;
  for (const auto& [table, each] :
       {std::pair{NexmarkTable::person, 1}, {NexmarkTable::auction, 3}, {NexmarkTable::bid, 46}}) {
    CHECK(NexmarkEvents::rows_in(table, 5000) == each * 100);
    for (std::int64_t row = 0; row < each * 100; ++row) {
      const std::int64_t event = NexmarkEvents::event_of(table, row);
      CHECK(NexmarkEvents::rows_in(table, event) == row);
      CHECK(NexmarkEvents::rows_in(table, event + 1) == row + 1);
      all.insert(event);
    }
  }
  CHECK(all.size() == 5000);
  CHECK(*all.rbegin() == 4999);
}

TEST_CASE("the same events in whatever parts, and only the columns that are wanted") {
  const auto at_once = lines_of(rows_of(plan_of("bid", 100'000), 1).value());
  REQUIRE(at_once.size() == 92'000);
  CHECK(lines_of(rows_of(plan_of("bid", 100'000), 7).value()) == at_once);
  CHECK(lines_of(rows_of(plan_of("bid", 100'000, 2), 1).value()) != at_once);
  PlanContext context;
  context.projection = std::vector<std::string>{"price", "evtime"};
  const auto few = lines_of(rows_of(plan_of("bid", 1000, 1, context)).value());
  REQUIRE(few.size() == 920);
  for (std::size_t i = 0; i < few.size(); ++i) {
    CHECK(at_once[i].find("|" + few[i].substr(0, few[i].find('|')) + "|") != std::string::npos);
  }
}

TEST_CASE("columns are those of the field") {
  CHECK(columns_text(*plan_of("bid", 1).output()) ==
        "auction int64, bidder int64, price int64, channel string, url string, evtime int64, "
        "extra string");
  CHECK(columns_text(*plan_of("auction", 1).output()) ==
        "id int64, itemName string, description string, initialBid int64, reserve int64, "
        "evtime int64, expires int64, seller int64, category int64, extra string");
  CHECK(columns_text(*plan_of("person", 1).output()) ==
        "id int64, name string, emailAddress string, creditCard string, city string, "
        "state string, evtime int64, extra string");
}

TEST_CASE("half of the bids are for a hot auction, and all for one that is open or about to be") {
  const auto plan = plan_of("bid", 200'000);
  const auto auctions = numbers_of(plan, "auction"), times = numbers_of(plan, "evtime");
  std::int64_t hot = 0;
  for (std::size_t i = 0; i < auctions.size(); ++i) {
    const std::int64_t event = NexmarkEvents::event_of(NexmarkTable::bid, static_cast<int>(i));
    const std::int64_t begun = NexmarkEvents::rows_in(NexmarkTable::auction, event);
    CHECK(auctions[i] >= 1000 + std::max<std::int64_t>(0, begun - 110));
    CHECK(auctions[i] < 1000 + begun + 10);
    hot += (auctions[i] - 1000) % 100 == 0 ? 1 : 0;
  }
  const double share = static_cast<double>(hot) / static_cast<double>(auctions.size());
  CHECK(share > 0.49);
  CHECK(share < 0.53);
  CHECK(std::is_sorted(times.begin(), times.end()));
  CHECK(times.back() - times.front() == 19'999);
  const auto prices = numbers_of(plan, "price");
  CHECK(*std::min_element(prices.begin(), prices.end()) >= 100);
  CHECK(*std::max_element(prices.begin(), prices.end()) <= 100'000'000);
}

TEST_CASE(
    "auctions have ids without gaps, their sellers are people, and they end after they began") {
  const auto plan = plan_of("auction", 200'000);
  const auto ids = numbers_of(plan, "id"), sellers = numbers_of(plan, "seller"),
             times = numbers_of(plan, "evtime"), ends = numbers_of(plan, "expires");
  std::int64_t hot = 0;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    CHECK(ids[i] == 1000 + static_cast<std::int64_t>(i));
    CHECK(ends[i] > times[i]);
    CHECK(sellers[i] >= 1000);
    CHECK(sellers[i] <= 1000 + static_cast<std::int64_t>(i) / 3 + 10);
    hot += (sellers[i] - 1000) % 100 == 0 ? 1 : 0;
  }
  const double share = static_cast<double>(hot) / static_cast<double>(ids.size());
  CHECK(share > 0.73);
  CHECK(share < 0.79);
}

TEST_CASE("a stream of them has no end, and gets its part of a rate") {
  PlanContext context;
  context.stream = true;
  const auto plan = plan_connector("nexmark", {{"table", "bid"}, {"rate", 1000}}, context).value();
  CHECK(plan.endless);
  CHECK(plan.phases.back().rate == 920);
  CHECK(plan_connector("nexmark", {{"table", "bid"}}).error().path == "events");
}
