#include "runtime/state/merge_policy.hpp"

#include <algorithm>
#include <numeric>

namespace troupe {
namespace {

std::uint64_t bytes_of(const SnapshotFiles& list, std::size_t begin, std::size_t end) {
  std::uint64_t bytes = 0;
  for (std::size_t i = begin; i < end; ++i) bytes += list[i].bytes;
  return bytes;
}

std::uint32_t tier_of(const SnapshotFile& file) {
  std::uint32_t tier = 0;
  for (std::uint64_t most = smallest_tier_bytes;
       file.bytes > most && most <= UINT64_MAX / tier_factor; most *= tier_factor) {
    ++tier;
  }
  return tier;
}

/// The first run of files of this tier or smaller ones, enough of them of this tier.
MergeChoice run_of_tier(const SnapshotFiles& list, std::uint32_t tier) {
  for (std::size_t begin = 0; begin < list.size();) {
    std::size_t end = begin, of_tier = 0;
    for (; end < list.size() && tier_of(list[end]) <= tier; ++end) {
      of_tier += tier_of(list[end]) == tier ? 1 : 0;
    }
    if (of_tier >= merged_files_min) return {begin, end};
    begin = end + 1;
  }
  return {};
}

/// The neighbours that cost the fewest bytes for each file less.
MergeChoice cheapest_run(const SnapshotFiles& list) {
  MergeChoice best;
  double best_cost = 0;
  for (std::size_t begin = 0; begin < list.size(); ++begin) {
    for (std::size_t end = begin + merged_files_min; end <= list.size(); ++end) {
      const double cost =
          static_cast<double>(bytes_of(list, begin, end)) / static_cast<double>(end - begin - 1);
      if (best && cost >= best_cost) continue;
      best = {begin, end};
      best_cost = cost;
    }
  }
  return best;
}

}  // namespace

MergeChoice files_to_merge(const SnapshotFiles& list) {
  if (list.size() < merged_files_min) return {};
  if (list.size() > live_files_max) return {0, list.size()};
  if (bytes_of(list, 1, list.size()) >= list.front().bytes) return {0, list.size()};
  std::uint32_t tiers = 0;
  for (const SnapshotFile& file : list) tiers = std::max(tiers, tier_of(file) + 1);
  for (std::uint32_t tier = 0; tier < tiers; ++tier) {
    if (const MergeChoice run = run_of_tier(list, tier)) return run;
  }
  return list.size() >= live_files_many ? cheapest_run(list) : MergeChoice();
}

}  // namespace troupe
