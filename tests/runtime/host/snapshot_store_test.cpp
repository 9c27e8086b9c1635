// What outlives the processes of a node, and what does not: whole state files do, what was begun
// does not, and a directory that was prepared is there after a power cut.
#include "runtime/host/snapshot_store.hpp"

#include "tests/support/catch.hpp"
#include "tests/support/sim_disk.hpp"

using namespace troupe;

TEST_CASE("a store begins by removing what was begun, and says of which runs there are files") {
  sim::Disk disk;
  const SnapshotStore store(disk, "/data/checkpoints");
  CHECK(store.recover().value().empty());
  for (const char* run : {"one", "two"}) {
    store.prepare(RunUid(run)).value();
    for (const char* name : {"a", "b.new", "a.7-1.new"}) {
      write_atomically(disk, fmt::format("/data/checkpoints/{}/{}", run, name), "x").value();
    }
  }
  CHECK(store.recover().value() == std::vector{RunUid("one"), RunUid("two")});
  CHECK(disk.files_below("/data/checkpoints") ==
        std::vector<std::string>{"/data/checkpoints/one/a", "/data/checkpoints/two/a"});
  // And so they are after a power cut: what is left of a removal is removed once more.
  disk.power_cut();
  CHECK(store.recover().value().size() == 2);
  CHECK(disk.files_below("/data/checkpoints").size() == 2);
}

TEST_CASE("the directory of a run is durable before its first file can be") {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    sim::Disk disk(seed);
    disk.make_directories("/data").value();
    disk.sync_directory("/").value();
    const SnapshotStore store(disk, "/data/checkpoints");
    store.prepare(RunUid("run")).value();
    disk.power_cut();
    REQUIRE(disk.is_directory("/data/checkpoints/run"));
  }
}

TEST_CASE("a file is verified as its manifest names it") {
  sim::Disk disk;
  const SnapshotStore store(disk, "/data/checkpoints");
  SnapshotFile file;
  file.name = "a";
  file.bytes = 3;
  CHECK(store.verify(RunUid("run"), file).error().code == ErrorCode::not_found);
  store.prepare(RunUid("run")).value();
  write_atomically(disk, store.path(RunUid("run"), "a").value(), "abc").value();
  CHECK(store.verify(RunUid("run"), file).error().code == ErrorCode::corrupt);
}
