// Which files are merged: never more than a task may list, no row written too often, and a restore
// reads little more than there is. Shown by playing many epochs of each kind of job.
#include "runtime/state/merge_policy.hpp"

#include "runtime/os/random.hpp"
#include "tests/support/catch.hpp"

#include <algorithm>
#include <functional>

using namespace troupe;

namespace {

SnapshotFiles of_sizes(const std::vector<std::uint64_t>& sizes) {
  SnapshotFiles list;
  for (const std::uint64_t bytes : sizes) list.push_back({.bytes = bytes});
  return list;
}

constexpr std::uint64_t kib = 1024, mib = 1024 * kib;

/// What many epochs come to.
struct Played {
  std::size_t most_files = 0;
  double written_per_byte = 0;     ///< by merges, for each byte that epochs wrote
  double most_read_per_state = 0;  ///< by a restore, for each byte of state
};

/// A file of `change(epoch)` bytes an epoch; state never grows beyond `state_max`, since then
/// changes replace what is there. A merge takes `epochs_a_merge` epochs.
Played play(int epochs, std::uint64_t state_max, int epochs_a_merge,
            const std::function<std::uint64_t(int)>& change) {
  Played played;
  SnapshotFiles list;
  std::uint64_t written = 0, merged_bytes = 0;
  MergeChoice running;
  int ends = 0;
  for (int epoch = 1; epoch <= epochs; ++epoch) {
    list.push_back({.bytes = change(epoch)});
    written += list.back().bytes;
    if (running && epoch >= ends) {
      std::uint64_t bytes = 0;
      for (std::size_t i = running.begin; i < running.end; ++i) bytes += list[i].bytes;
      bytes = std::min(bytes, state_max);
      merged_bytes += bytes;
      const auto begin = list.begin();
      list.erase(begin + static_cast<std::ptrdiff_t>(running.begin + 1),
                 begin + static_cast<std::ptrdiff_t>(running.end));
      list[running.begin].bytes = bytes;
      running = {};
    }
    if (!running) {
      running = files_to_merge(list);
      ends = epoch + epochs_a_merge;
    }
    played.most_files = std::max(played.most_files, list.size());
    if (epoch < epochs / 10) continue;
    std::uint64_t live = 0;
    for (const SnapshotFile& file : list) live += file.bytes;
    const auto state = static_cast<double>(std::min(state_max, written));
    played.most_read_per_state =
        std::max(played.most_read_per_state, static_cast<double>(live) / state);
  }
  played.written_per_byte = static_cast<double>(merged_bytes) / static_cast<double>(written);
  return played;
}

}  // namespace

TEST_CASE("files of one size go together, small ones first, and what is large stays alone") {
  CHECK_FALSE(files_to_merge({}));
  CHECK_FALSE(files_to_merge(of_sizes({1, 1, 1})));
  CHECK(files_to_merge(of_sizes({1, 1, 1, 1})) == MergeChoice{0, 4});
  CHECK_FALSE(files_to_merge(of_sizes({1000 * mib, kib, kib, kib})));
  CHECK(files_to_merge(of_sizes({1000 * mib, kib, kib, kib, kib})) == MergeChoice{1, 5});
  CHECK(files_to_merge(of_sizes({1000 * mib, mib, mib, kib, mib, mib})) == MergeChoice{1, 6});
  // Newer than the oldest, and as much: all of it.
  // Taken over from others, more than may be listed.
  CHECK(files_to_merge(of_sizes(std::vector<std::uint64_t>(live_files_max + 1, 1))) ==
        MergeChoice{0, live_files_max + 1});
  CHECK(files_to_merge(of_sizes({100 * mib, 60 * mib, 30 * mib, 10 * mib})) == MergeChoice{0, 4});
}

TEST_CASE("a task never has too many files, merges write a row a few times, restores read little") {
  const auto check = [](const char* what, const Played& played, double written, double read) {
    INFO(what << ": " << played.most_files << " files, written " << played.written_per_byte
              << ", read " << played.most_read_per_state);
    CHECK(played.most_files <= live_files_max);
    CHECK(played.written_per_byte <= written);
    CHECK(played.most_read_per_state <= read);
  };
  check("append for ever", play(20'000, UINT64_MAX, 1, [](int) { return mib; }), 8, 1.01);
  check("100 MiB, 1 MiB an epoch", play(5'000, 100 * mib, 1, [](int) { return mib; }), 6, 2.3);
  check("100 MiB, slow merges", play(5'000, 100 * mib, 10, [](int) { return mib; }), 6, 2.6);
  check("all of it in each epoch", play(2'000, 10 * mib, 1, [](int) { return 10 * mib; }), 1, 6);
  check("a tiny change", play(50'000, 1000 * mib, 1, [](int) { return 2 * kib; }), 12, 1.1);
  Random random(7);
  check("any size", play(20'000, 500 * mib, 3, [&](int) { return kib << random.below(14); }), 8,
        2.6);
}

TEST_CASE("too many files of sizes that go up are merged where it costs least") {
  std::vector<std::uint64_t> sizes = {std::uint64_t{1} << 62};
  for (std::size_t i = 1; i < live_files_many; ++i) {
    sizes.push_back(i % 2 == 0 ? 900 * mib : (i % 3 == 0 ? 3 * mib : 40 * kib));
  }
  // Large ones are of one tier, so those go; without enough of them, the cheapest neighbours.
  CHECK(files_to_merge(of_sizes(sizes)));
  std::vector<std::uint64_t> stairs = {std::uint64_t{1} << 62};
  for (int step = 0; stairs.size() < live_files_many; ++step) {
    stairs.push_back(std::uint64_t{1} << (60 - step));
  }
  const MergeChoice choice = files_to_merge(of_sizes(stairs));
  REQUIRE(choice);
  CHECK(choice.end == stairs.size());
}
