// What operators do when the disk fails to which they put what memory does not hold. Every call of
// a run goes wrong once, each in a run of its own. What must come of it: no rows, but an error that
// names the file and is the node's fault, so that the task goes elsewhere; and no memory taken.
#include "runtime/base/node_fault.hpp"
#include "runtime/os/own_files.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/faulty_files.hpp"
#include "tests/support/phase_runner.hpp"
#include "tests/support/plan_op.hpp"
#include "tests/support/sim_disk.hpp"

#include <arrow/builder.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

using namespace troupe;

namespace {

using Fault = FaultyFiles::Fault;

constexpr int calls_max = 1000;
/// As few as all of them set aside: every call is a run that reads them.
constexpr std::int64_t batch_rows = 1000;

const SchemaPtr schema =
    arrow::schema({arrow::field("k", arrow::int64()), arrow::field("s", arrow::utf8())});

Batch batch_of(std::int64_t first) {
  arrow::Int64Builder keys;
  arrow::StringBuilder texts;
  for (std::int64_t i = first; i < first + batch_rows; ++i) {
    REQUIRE(keys.Append(i * 7919 % 10'007).ok());
    REQUIRE(texts.Append(fmt::format("text {}", i)).ok());
  }
  return Batch(arrow::RecordBatch::Make(schema, batch_rows,
                                        {keys.Finish().ValueOrDie(), texts.Finish().ValueOrDie()}));
}

struct Spiller {
  std::string op;
  std::string with;
  int inputs = 1;
};

const std::vector<Spiller> spillers = {
    {"sort", R"({"by": "k"})"},
    {"aggregate", R"~({"group_by": ["k"], "select": {"n": "count(*)", "m": "max(s)"}})~"},
    {"distinct", "{}"},
    {"join", R"({"type": "inner", "using": ["k"], "suffix": "_r", "strategy": "hash"})", 2},
    {"join", R"({"type": "full", "using": ["k"], "suffix": "_r", "strategy": "hash"})", 2}};

/// The number of calls that a run makes.
int check_spiller(const Spiller& spiller, Fault fault) {
  const std::vector<SchemaPtr> schemas(static_cast<std::size_t>(spiller.inputs), schema);
  const auto plan = plan_op(spiller.op, spiller.with, schemas);
  INFO((plan ? std::string() : plan.error().to_string()));
  REQUIRE(plan);
  const Streams rows = {{batch_of(0), batch_of(batch_rows), batch_of(2 * batch_rows)}};
  const std::vector<Streams> inputs(schemas.size(), rows);
  for (int call = 0; call < calls_max; ++call) {
    sim::Disk below;
    REQUIRE(below.make_directories("/scratch"));
    FaultyFiles disk(below);
    OwnFiles own(disk);
    disk.fail_at(call, fault);
    MemoryBudget budget(1);
    const auto result = run_phases(
        *plan, inputs,
        {.parallelism = 1, .memory = &budget, .scratch_directory = "/scratch", .files = &own});
    CHECK(budget.used() == 0);
    if (!disk.struck()) {
      REQUIRE(result);
      return call;
    }
    INFO("call " << call << ", " << disk.asked() << ", " << static_cast<int>(fault));
    REQUIRE_FALSE(result);
    INFO(result.error().to_string());
    CHECK(is_node_fault(result.error()));
    const std::string path = disk.asked().substr(disk.asked().find('\''));
    CHECK(result.error().message.find(path) != std::string::npos);
    CHECK(result.error().code ==
          (fault == Fault::short_read ? ErrorCode::corrupt : ErrorCode::unavailable));
  }
  FAIL("no end");
  return 0;
}

}  // namespace

TEST_CASE("a disk that fails under rows set aside, at whichever call, is its node's fault") {
  for (const Spiller& spiller : spillers) {
    for (const Fault fault : {Fault::broken, Fault::full, Fault::short_read}) {
      INFO(spiller.op << " " << spiller.with);
      // Else nothing was set aside.
      CHECK(check_spiller(spiller, fault) >= (fault == Fault::short_read ? 2 : 6));
    }
  }
}
