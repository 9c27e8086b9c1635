#include "runtime/graph/task_graph.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

namespace troupe {
namespace {

/// More splits than subtasks, so that uneven ones can be evened out.
constexpr std::uint32_t splits_per_subtask = 4;
constexpr std::size_t splits_max = std::size_t{1} << 20;

std::int64_t weight(const Split& split) {
  return split.bytes > 0 ? split.bytes : std::max<std::int64_t>(split.rows, 1);
}

/// Gives the largest split first, to the least loaded subtask, which then reads its splits in the
/// source's order. Ties go to the first, so that the same splits are always dealt alike.
std::vector<std::vector<Split>> deal(const std::vector<Split>& splits, std::uint32_t subtasks) {
  std::vector<std::size_t> largest_first(splits.size());
  std::iota(largest_first.begin(), largest_first.end(), 0);
  std::stable_sort(largest_first.begin(), largest_first.end(), [&](std::size_t a, std::size_t b) {
    return weight(splits[a]) > weight(splits[b]);
  });
  std::vector<std::int64_t> load(subtasks, 0);
  std::vector<std::vector<std::size_t>> hands(subtasks);
  for (const std::size_t split : largest_first) {
    const auto least = std::min_element(load.begin(), load.end());
    *least += weight(splits[split]);
    hands[static_cast<std::size_t>(least - load.begin())].push_back(split);
  }
  std::vector<std::vector<Split>> dealt(subtasks);
  for (std::uint32_t subtask = 0; subtask < subtasks; ++subtask) {
    std::sort(hands[subtask].begin(), hands[subtask].end());
    for (const std::size_t split : hands[subtask]) dealt[subtask].push_back(splits[split]);
  }
  return dealt;
}

/// Of a stream: each subtask reads its splits in the source's order, and all are about as far.
std::vector<std::vector<Split>> deal_in_turn(const std::vector<Split>& splits,
                                             std::uint32_t subtasks) {
  std::vector<std::vector<Split>> dealt(subtasks);
  for (std::size_t i = 0; i < splits.size(); ++i) dealt[i % subtasks].push_back(splits[i]);
  return dealt;
}

}  // namespace

Result<> assign_splits(TaskGraph& graph) {
  for (Stage& stage : graph.stages) {
    const ChainLink& first = stage.chain.front();
    if (!first.phase.make_source) continue;
    Result<std::shared_ptr<Source>> source = first.phase.make_source();
    if (!source) return source.error().within(first.vertex);
    const bool stream = first.phase.flow(0).stream;
    // Its subtasks find their splits themselves.
    if (stream && (*source)->sequence({0, stage.parallelism}, {}) != nullptr) continue;
    const Result<std::vector<Split>> splits =
        (*source)->splits(stage.parallelism * splits_per_subtask);
    if (!splits) return splits.error().within(first.vertex);
    if (splits->size() > splits_max) {
      return make_error(ErrorCode::invalid_argument,
                        "{}: {} splits are more than a source may have ({})", first.vertex,
                        splits->size(), splits_max);
    }
    stage.splits =
        stream ? deal_in_turn(*splits, stage.parallelism) : deal(*splits, stage.parallelism);
  }
  return {};
}

}  // namespace troupe
