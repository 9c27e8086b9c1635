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

#include <future>

using namespace troupe;

namespace {

/// `Control` answers on a thread of the node; here we wait for it.
template <class T, class Ask>
Result<T> answer_of(Ask ask) {
  auto promise = std::make_shared<std::promise<Result<T>>>();
  auto answer = promise->get_future();
  ask([promise](Result<T> result) { promise->set_value(std::move(result)); });
  return answer.get();
}

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
  const RunId run = TRY(answer_of<RunId>(
      [&](auto answer) { control.submit(std::move(graph), {}, std::move(answer)); }));
  const RunView ended =
      TRY(answer_of<RunView>([&](auto answer) { control.await_end(run, std::move(answer)); }));
  if (ended.state != "SUCCEEDED") return fail(ErrorCode::unavailable, "{}", ended.error);

  const auto outputs = TRY(answer_of<std::vector<OutputView>>(
      [&](auto answer) { control.output(run, std::move(answer)); }));
  const Batch batch = TRY(from_ipc(outputs.at(0).ipc));
  show(batch);
  fmt::print("run {} {}, {} rows\n", run, ended.state, batch.rows());
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
