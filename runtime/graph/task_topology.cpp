#include "runtime/graph/task_topology.hpp"

#include "runtime/base/ensure.hpp"

#include <algorithm>
#include <numeric>

namespace troupe {
namespace {

/// Disjoint sets of tasks, by index.
class Groups {
 public:
  explicit Groups(std::size_t size) : parent_(size) {
    std::iota(parent_.begin(), parent_.end(), std::size_t{0});
  }
  std::size_t find(std::size_t item) {
    while (parent_[item] != item) item = parent_[item] = parent_[parent_[item]];
    return item;
  }
  void join(std::size_t a, std::size_t b) {
    parent_[std::max(find(a), find(b))] = std::min(find(a), find(b));
  }

 private:
  std::vector<std::size_t> parent_;
};

}  // namespace

Result<TaskTopology> TaskTopology::make(TaskGraph graph) {
  TaskTopology topology;
  topology.graph_ = std::move(graph);
  topology.find_neighbours();
  topology.find_regions();
  TRY(topology.order_regions());
  topology.find_streams();
  return topology;
}

bool TaskTopology::reads_stream(TaskId task) const {
  const std::vector<ChainLink>& chain = graph_.stage(task.stage).chain;
  return !chain.empty() && chain.front().phase.make_source && chain.front().phase.flow(0).stream;
}

void TaskTopology::find_streams() {
  for (const auto& [task, region] : region_of_) {
    if (reads_stream(task)) streams_.insert(region);
  }
}

std::set<std::size_t> TaskTopology::regions_of(StageId stage) const {
  std::set<std::size_t> regions;
  for (std::uint32_t i = 0; i < graph_.stage(stage).parallelism; ++i) {
    regions.insert(region_of({stage, i}));
  }
  return regions;
}

void TaskTopology::find_neighbours() {
  for (const Stage& stage : graph_.stages) {
    for (std::uint32_t i = 0; i < stage.parallelism; ++i) {
      producers_[{stage.id, i}];
      consumers_[{stage.id, i}];
    }
  }
  for (std::uint32_t edge = 0; edge < graph_.edges.size(); ++edge) {
    const TaskEdge& e = graph_.edges[edge];
    const std::uint32_t froms = graph_.stage(e.from).parallelism;
    const std::uint32_t tos = graph_.stage(e.to).parallelism;
    const bool one_to_one = e.exchange == ExchangeKind::forward;
    ENSURE(!one_to_one || froms == tos, "a forward edge from {} to {} subtasks", froms, tos);
    for (std::uint32_t from = 0; from < froms; ++from) {
      for (std::uint32_t to = 0; to < tos; ++to) {
        if (one_to_one && from != to) continue;
        producers_[{e.to, to}].push_back({edge, {e.from, from}});
        consumers_[{e.from, from}].push_back({edge, {e.to, to}});
      }
    }
  }
}

void TaskTopology::find_regions() {
  std::vector<TaskId> tasks;
  std::map<TaskId, std::size_t> index;
  for (const Stage& stage : graph_.stages) {
    for (std::uint32_t i = 0; i < stage.parallelism; ++i) {
      index[{stage.id, i}] = tasks.size();
      tasks.push_back({stage.id, i});
    }
  }
  Groups groups(tasks.size());
  for (const auto& [task, neighbours] : consumers_) {
    for (const Neighbour& neighbour : neighbours) {
      if (!blocking(neighbour)) groups.join(index[task], index[neighbour.task]);
    }
  }
  std::map<std::size_t, std::size_t> region_of_group;
  for (std::size_t i = 0; i < tasks.size(); ++i) {
    const auto [found, fresh] = region_of_group.try_emplace(groups.find(i), regions_.size());
    if (fresh) regions_.emplace_back();
    regions_[found->second].tasks.push_back(tasks[i]);
    region_of_[tasks[i]] = found->second;
  }
  for (Region& region : regions_) {
    std::map<StageId, std::uint32_t> widths;
    for (const TaskId& task : region.tasks) {
      region.width = std::max(region.width, ++widths[task.stage]);
    }
  }
}

/// Sorts the regions so that producers stand before their readers. Among regions that could come
/// next, the one with the lowest first task does, so that each leader numbers the regions alike.
Result<> TaskTopology::order_regions() {
  std::vector<std::set<std::size_t>> readers(regions_.size());
  std::vector<std::size_t> unmet(regions_.size(), 0);
  for (const auto& [task, neighbours] : consumers_) {
    for (const Neighbour& neighbour : neighbours) {
      const std::size_t from = region_of_[task];
      const std::size_t to = region_of_[neighbour.task];
      if (!blocking(neighbour)) continue;
      // A region that keeps an edge for itself waits for itself: its count never falls to zero.
      if (from == to || readers[from].insert(to).second) ++unmet[to];
    }
  }
  std::vector<Region> sorted;
  std::set<std::size_t> next;
  for (std::size_t region = 0; region < regions_.size(); ++region) {
    if (unmet[region] == 0) next.insert(region);
  }
  while (!next.empty()) {
    const std::size_t region = *next.begin();
    next.erase(next.begin());
    for (const TaskId& task : regions_[region].tasks) region_of_[task] = sorted.size();
    sorted.push_back(std::move(regions_[region]));
    for (const std::size_t reader : readers[region]) {
      if (--unmet[reader] == 0) next.insert(reader);
    }
  }
  if (sorted.size() != regions_.size()) {
    return make_error(
        ErrorCode::internal,
        "the task graph has stages that run together although one must wait for the other");
  }
  regions_ = std::move(sorted);
  return {};
}

}  // namespace troupe
