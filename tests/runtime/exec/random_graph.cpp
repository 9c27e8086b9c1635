#include "tests/runtime/exec/random_graph.hpp"

#include <algorithm>

namespace troupe {

RandomGraph::RandomGraph(std::uint64_t seed) : random_(seed) {
  std::vector<Rows> open;
  const auto sources = 1 + random_.below(3);
  for (std::uint64_t i = 0; i < sources; ++i) open.push_back(add_source());
  // A tree: every stage has one consumer, so inputs that are read one after the other are safe.
  for (std::uint64_t i = 0; i < 1 + random_.below(4) || open.size() > 1; ++i) {
    std::vector<Rows> inputs;
    const auto wanted = std::min<std::uint64_t>(open.size(), 1 + random_.below(2));
    for (std::uint64_t k = 0; k < wanted; ++k) {
      auto at = static_cast<std::ptrdiff_t>(random_.below(open.size()));
      inputs.push_back(std::move(open[static_cast<std::size_t>(at)]));
      open.erase(open.begin() + at);
    }
    open.push_back(add_transform(std::move(inputs)));
  }
  auto parallelism = static_cast<std::uint32_t>(1 + random_.below(2));
  auto stage = add_stage(graph, parallelism, {sink_phase(sink)});
  auto kind = parallelism == 1 ? ExchangeKind::gather : ExchangeKind::rebalance;
  add_edge(graph, open.front().stage, stage, kind);
  expected = std::move(open.front().values);
  std::sort(expected.begin(), expected.end());
}

RandomGraph::Rows RandomGraph::add_source() {
  auto parallelism = static_cast<std::uint32_t>(1 + random_.below(3));
  auto batches = static_cast<int>(random_.below(12));
  auto rows = static_cast<std::int64_t>(1 + random_.below(40));
  Rows result;
  for (std::uint32_t i = 0; i < parallelism; ++i) {
    for (std::int64_t n = 0; n < batches * rows; ++n) result.values.push_back(i * 1'000'000 + n);
  }
  std::vector<Phase> chain = {source_phase(batches, rows)};
  if (random_.chance(1, 2)) chain.push_back(transform(result.values));
  result.stage = add_stage(graph, parallelism, std::move(chain));
  return result;
}

RandomGraph::Rows RandomGraph::add_transform(std::vector<Rows> inputs) {
  Rows result;
  auto parallelism = static_cast<std::uint32_t>(1 + random_.below(3));
  std::vector<ExchangeKind> kinds;
  for (auto& input : inputs) {
    auto kind = exchange(input.stage, parallelism);
    kinds.push_back(kind);
    const std::uint32_t copies = kind == ExchangeKind::broadcast ? parallelism : 1;
    for (std::uint32_t i = 0; i < copies; ++i) {
      result.values.insert(result.values.end(), input.values.begin(), input.values.end());
    }
  }
  std::vector<Phase> chain;
  if (inputs.size() > 1) chain.push_back(in_order_phase());
  const auto length = 1 + random_.below(3);
  for (std::uint64_t i = 0; i < length; ++i) chain.push_back(transform(result.values));
  result.stage = add_stage(graph, parallelism, std::move(chain));
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    add_edge(graph, inputs[i].stage, result.stage, kinds[i], static_cast<int>(i));
    graph.edges.back().blocking = random_.chance(1, 4);
  }
  return result;
}

ExchangeKind RandomGraph::exchange(StageId from, std::uint32_t to_parallelism) {
  if (to_parallelism == 1 && random_.chance(2, 3)) return ExchangeKind::gather;
  if (graph.stage(from).parallelism == to_parallelism && random_.chance(1, 3)) {
    return ExchangeKind::forward;
  }
  if (random_.chance(1, 5)) return ExchangeKind::broadcast;
  return random_.chance(1, 2) ? ExchangeKind::hash : ExchangeKind::rebalance;
}

/// An operator, and what it does to the rows.
Phase RandomGraph::transform(std::vector<std::int64_t>& values) {
  switch (random_.below(4)) {
    case 0: {
      auto times = static_cast<int>(1 + random_.below(3));
      auto once = values;
      for (int i = 1; i < times; ++i) values.insert(values.end(), once.begin(), once.end());
      return repeat_phase(times);
    }
    case 1: {
      auto modulus = static_cast<std::int64_t>(1 + random_.below(3));
      std::erase_if(values, [&](std::int64_t n) { return n % modulus != 0; });
      return filter_phase(modulus);
    }
    case 2:
      return hold_phase();
    default:
      return blocking_phase();
  }
}

}  // namespace troupe
