// A service of its own that hosts a node, submits a job built in code, and reads the result back.
#include "actors/node/node.hpp"
#include "runtime/base/json.hpp"
#include "runtime/connectors/connectors.hpp"
#include "runtime/connectors/printed_rows.hpp"
#include "runtime/graph/graph_builder.hpp"
#include "runtime/graph/task_graph.hpp"
#include "runtime/ops/builtin_ops.hpp"
#include "runtime/os/file_system.hpp"

#include <arrow/array.h>
#include <arrow/record_batch.h>
#include <fmt/format.h>

using namespace troupe;

namespace {

/// Orders by shop: how many, and their sum.
Result<JobGraph> sums_by_shop(const OperatorRegistry& registry) {
  GraphBuilder job("orders-by-shop");
  const auto order = [](const char* shop, int amount) {
    return Json{{"shop", shop}, {"amount", amount}};
  };
  auto orders = job.add("orders", "values",
                        {{"rows",
                          {order("north", 40), order("south", 5), order("west", 7),
                           order("south", 6), order("north", 2), order("south", 7)}}});
  auto sums = job.add("sums", "aggregate",
                      {{"group_by", {"shop"}},
                       {"select", {{"orders", "count(*)"}, {"total", "sum(amount)"}}}})
                  .from(orders);
  auto typed =
      job.add("typed", "select",
              {{"columns",
                {{"shop", "shop"}, {"orders", "orders"}, {"total", "CAST(total AS bigint)"}}}})
          .from(sums);
  job.add("result", "print", {{"order_by", {"shop"}}}).from(typed);
  JobGraph graph = TRY(job.build());
  const auto mistakes = bind(graph, registry);
  if (!mistakes.empty()) return mistakes.front();
  return graph;
}

/// Reads the columns as what they are: Arrow arrays.
void show(const Batch& batch) {
  const auto& rows = *batch.columns();
  const auto& shops = static_cast<const arrow::StringArray&>(*rows.column(0));
  const auto& orders = static_cast<const arrow::Int64Array&>(*rows.column(1));
  const auto& totals = static_cast<const arrow::Int64Array&>(*rows.column(2));
  fmt::print("{:<6} {:>6} {:>6}\n", "shop", "orders", "total");
  for (std::int64_t i = 0; i < rows.num_rows(); ++i) {
    fmt::print("{:<6} {:>6} {:>6}\n", shops.GetView(i), orders.Value(i), totals.Value(i));
  }
}

Result<> serve() {
  OperatorRegistry registry(system_files());  // the built-in operators; a service may add its own
  register_operators(registry);
  register_connectors(registry);
  auto node = TRY(Node::start({.name = NodeId("service"), .keep_blocking_edges = false}, registry));
  Control& control = node->control();

  JobGraph graph = TRY(sums_by_shop(registry));
  const RunId run = TRY(answer_of(control, SubmitRun{std::move(graph)})).run;
  const RunView ended = TRY(answer_of(control, AwaitEnd{.run = run, .tidied = true}));
  if (ended.state != RunState::succeeded)
    return make_error(ErrorCode::unavailable, "{}", ended.error);

  const OutputList output = TRY(answer_of(control, ReadOutput{run}));
  const Batch batch = TRY(from_ipc(output.outputs.at(0).ipc.bytes));
  show(batch);
  fmt::print("run {} {}, {} rows\n", run, to_string(ended.state), batch.rows());
  node->stop();
  return {};
}

}  // namespace

int main() {
  if (const auto served = serve(); !served) {
    fmt::print(stderr, "error: {}\n", served.error().to_string());
    return 1;
  }
}
