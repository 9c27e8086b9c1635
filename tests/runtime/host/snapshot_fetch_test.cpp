// State files on their way from one node's disk to another's, over real data planes, in many
// interleavings: what stands under a file's name is always the file that is meant, whoever is cut
// off, damaged, or dead, and who has no good copy is told apart from who is only away.
#include "runtime/base/node_fault.hpp"
#include "tests/runtime/host/snapshot_nodes.hpp"
#include "tests/support/catch.hpp"

using namespace troupe;

namespace {

using Files = std::map<std::string, std::string>;

constexpr std::size_t large = 1'300'000;  ///< more than a window, several writes

std::string flipped(std::string bytes) {
  bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1);
  return bytes;
}

std::vector<StoredSnapshot> had(const SnapshotNodes& nodes, std::size_t fetch) {
  REQUIRE(nodes.outcome(fetch));
  REQUIRE(*nodes.outcome(fetch));
  return **nodes.outcome(fetch);
}

Error failed(const SnapshotNodes& nodes, std::size_t fetch) {
  REQUIRE(nodes.outcome(fetch));
  REQUIRE_FALSE(*nodes.outcome(fetch));
  return nodes.outcome(fetch)->error();
}

bool names(const Error& error, const std::string& what) {
  return error.message.find(what) != std::string::npos;
}

}  // namespace

TEST_CASE("state files are fetched, in any interleaving, and are not fetched again") {
  const std::uint64_t seed = GENERATE(range(1, 21));
  SnapshotNodes nodes(seed);
  std::vector<StoredSnapshot> wanted;
  Files all;
  for (int i = 0; i < 7; ++i) {
    const std::size_t size = i == 3 ? large : 1 + static_cast<std::size_t>(i) * 40'000;
    const SomeSnapshot file(fmt::format("file-{}", i), size, seed + i);
    nodes.put("a", file);
    wanted.push_back(file.on({"a"}));
    all[file.file.name] = file.bytes;
  }
  // A task that takes over key groups of two others finds a file in both their lists.
  wanted.push_back(wanted.front());
  wanted.back().file.groups = {5, 6};

  const std::size_t first = nodes.fetch("b", wanted);
  nodes.run_all();
  const auto here = had(nodes, first);
  REQUIRE(here.size() == wanted.size());
  for (std::size_t i = 0; i < here.size(); ++i) {
    CHECK(here[i].file == wanted[i].file);
    CHECK(here[i].nodes == std::vector{NodeId("a"), NodeId("b")});
  }
  CHECK(nodes.files("b") == all);

  const std::uint64_t frames = nodes.data_frames;
  CHECK(frames > 0);
  const std::size_t again = nodes.fetch("b", here);
  nodes.run_all();
  CHECK(had(nodes, again) == here);
  CHECK(nodes.data_frames == frames);
}

TEST_CASE("what was fetched is there after a power cut") {
  SnapshotNodes nodes;
  const SomeSnapshot file("file", 100'000);
  nodes.put("a", file);
  const std::size_t fetch = nodes.fetch("b", {file.on({"a"})});
  while (!nodes.outcome(fetch)) REQUIRE(nodes.step());
  had(nodes, fetch);
  nodes.disk("b").power_cut();
  CHECK(nodes.files("b") == Files{{"file", file.bytes}});
}

TEST_CASE("a bad copy is told by whom, the next node is asked, and a bad one here is replaced") {
  SnapshotNodes nodes(GENERATE(range(1, 6)));
  const SomeSnapshot file("file", GENERATE(std::size_t{10}, large));
  nodes.put("c", file);
  std::vector<std::string> listed{"a", "c"};
  std::vector<NodeId> good{NodeId("c"), NodeId("b")};
  SECTION("one bit is another one") { nodes.put("a", "file", flipped(file.bytes)); }
  SECTION("it is shorter") { nodes.put("a", "file", file.bytes.substr(1)); }
  SECTION("it is longer") { nodes.put("a", "file", file.bytes + "x"); }
  SECTION("it is gone") {}
  SECTION("it is damaged here") {
    nodes.put("b", "file", flipped(file.bytes));
    listed = {"b", "c"};
  }
  const std::size_t fetch = nodes.fetch("b", {file.on(listed)});
  nodes.run_all();
  CHECK(had(nodes, fetch).front().nodes == good);
  CHECK(nodes.files("b") == Files{{"file", file.bytes}});
}

TEST_CASE("where no good copy is left, that is told apart from a node that is away") {
  SnapshotNodes nodes;
  const SomeSnapshot file("file", 1000);
  const SomeSnapshot other("other", 1000, 2);
  nodes.put("a", other);
  nodes.put("a", "file", flipped(file.bytes));
  SECTION("all are bad") {
    nodes.put("b", "file", flipped(file.bytes));
    const std::size_t fetch = nodes.fetch("b", {other.on({"a"}), file.on({"a", "b", "c"})});
    nodes.run_all();
    const Error error = failed(nodes, fetch);
    CHECK(error.code == ErrorCode::corrupt);
    CHECK_FALSE(is_node_fault(error));
    for (const char* what : {"'file'", "key groups 0 to 127", "node a: ", "node b: ", "node c: "}) {
      INFO(error.message);
      CHECK(names(error, what));
    }
  }
  SECTION("nobody is named") {
    const std::size_t fetch = nodes.fetch("b", {file.on({})});
    nodes.run_all();
    CHECK(failed(nodes, fetch).code == ErrorCode::corrupt);
  }
  SECTION("one that is away may have a good one") {
    const std::size_t fetch = nodes.fetch("b", {file.on({"a", "c"})}, {"c"});
    nodes.run_all();
    const Error error = failed(nodes, fetch);
    CHECK(error.code == ErrorCode::unavailable);
    CHECK_FALSE(is_node_fault(error));
    CHECK(names(error, "node c: it is not there"));
  }
  SECTION("so may one whose disk fails, or whose file cannot be read") {
    nodes.put("c", file);
    nodes.faults("c").fail_at(1, FaultyFiles::Fault::broken);
    const std::size_t fetch = nodes.fetch("b", {file.on({"a", "c"})});
    nodes.run_all();
    REQUIRE(nodes.faults("c").struck());
    CHECK(failed(nodes, fetch).code == ErrorCode::unavailable);
  }
  // What was damaged here stays as it was, and nothing is left of what was begun.
  for (const auto& [name, bytes] : nodes.files("b")) {
    CHECK((name == "other" || bytes == flipped(file.bytes)));
  }
}

TEST_CASE("a connection that is cut at any moment loses nothing: another node is asked") {
  const SomeSnapshot file("file", large);
  const std::uint64_t seed = GENERATE(range(1, 4));
  int cuts = 0;
  for (int at = 0, all = 0; at == 0 || at < all; at += 7) {
    SnapshotNodes nodes(seed);
    nodes.put("a", file);
    nodes.put("c", file);
    const std::size_t fetch = nodes.fetch("b", {file.on({"a", "c"})});
    if (at == 0) all = nodes.run_all();
    for (int i = 0; i < at; ++i) nodes.step();
    if (!nodes.outcome(fetch)) ++cuts;
    nodes.cut("a", "b");
    nodes.run_all();
    nodes.wait_in_vain();
    had(nodes, fetch);
    REQUIRE(nodes.files("b") == Files{{"file", file.bytes}});
    if (at % 70 != 0) continue;
    // And where there is nobody else, it is unavailable, not lost.
    SnapshotNodes alone(seed);
    alone.put("a", file);
    const std::size_t vain = alone.fetch("b", {file.on({"a"})});
    for (int i = 0; i < at; ++i) alone.step();
    if (alone.outcome(vain)) continue;
    alone.cut("a", "b");
    alone.run_all();
    alone.wait_in_vain();
    REQUIRE(alone.outcome(vain));
    if (alone.outcome(vain)->ok()) continue;  // all had come
    CHECK(failed(alone, vain).code == ErrorCode::unavailable);
    CHECK(alone.files("b").empty());
  }
  CHECK(cuts > 10);
}

TEST_CASE("a node that says nothing any more is passed over, whenever it falls silent") {
  const SomeSnapshot file("file", large);
  const std::uint64_t seed = GENERATE(range(1, 4));
  int waits = 0;
  for (int at = 0; at < 60; at += 5) {
    SnapshotNodes nodes(seed);
    nodes.put("a", file);
    nodes.put("c", file);
    const std::size_t fetch = nodes.fetch("b", {file.on({"a", "c"})});
    const std::size_t vain = nodes.fetch("d", {file.on({"a"})});
    for (int i = 0; i < at; ++i) nodes.step();
    nodes.freeze("a");
    nodes.run_all();
    if (nodes.outcome(fetch) && nodes.outcome(vain)) continue;  // all had come
    ++waits;
    nodes.wait_in_silence();
    had(nodes, fetch);
    REQUIRE(nodes.files("b") == Files{{"file", file.bytes}});
    REQUIRE(nodes.outcome(vain));
    if (nodes.outcome(vain)->ok()) continue;
    CHECK(failed(nodes, vain).code == ErrorCode::unavailable);
    CHECK(names(failed(nodes, vain), "it has sent nothing for 10 s"));
  }
  CHECK(waits > 5);
}

TEST_CASE("whatever call to the own disk fails, under the name there is the file or nothing") {
  const auto fault =
      GENERATE(FaultyFiles::Fault::broken, FaultyFiles::Fault::full, FaultyFiles::Fault::dead);
  const bool damaged = GENERATE(false, true);
  const SomeSnapshot file("file", large);
  for (int call = 1;; ++call) {
    SnapshotNodes nodes;
    nodes.put("a", file);
    if (damaged) nodes.put("b", "file", flipped(file.bytes));
    nodes.faults("b").fail_at(call, fault);
    const std::size_t fetch = nodes.fetch("b", {file.on({"a"})});
    nodes.run_all();
    if (!nodes.faults("b").struck()) {
      had(nodes, fetch);
      REQUIRE(call > 10);
      break;
    }
    INFO(nodes.faults("b").asked());
    // Only of one that could not be looked at nobody says that it cannot be.
    if (!nodes.outcome(fetch)->ok()) CHECK(is_node_fault(failed(nodes, fetch)));
    const bool power = fault == FaultyFiles::Fault::dead;
    if (power) nodes.disk("b").power_cut();
    nodes.faults("b").heal();
    REQUIRE(nodes.store("b").recover());
    const Files left = nodes.files("b");
    for (const auto& [name, bytes] : left) {
      CHECK(name == "file");
      CHECK((bytes == file.bytes || (damaged && bytes == flipped(file.bytes))));
    }
    // And the next try has it.
    const std::size_t again = nodes.fetch("b", {file.on({"a"})});
    nodes.run_all();
    had(nodes, again);
    CHECK(nodes.files("b") == Files{{"file", file.bytes}});
  }
}

TEST_CASE("a fetch that is stopped leaves nothing behind, at either end") {
  const SomeSnapshot file("file", large);
  for (int at = 0; at < 400; at += 13) {
    SnapshotNodes nodes;
    nodes.put("a", file);
    const std::size_t fetch = nodes.fetch("b", {file.on({"a"})});
    for (int i = 0; i < at; ++i) nodes.step();
    if (nodes.outcome(fetch)) break;
    nodes.stop(fetch);
    nodes.run_all();
    REQUIRE(nodes.outcome(fetch));
    for (const auto& [name, bytes] : nodes.files("b")) {
      CHECK(name == "file");
      CHECK(bytes == file.bytes);
    }
    if (!nodes.outcome(fetch)->ok()) CHECK(failed(nodes, fetch).code == ErrorCode::cancelled);
    CHECK_FALSE(nodes.step());
  }
}

TEST_CASE("the same file may be fetched twice at once, by one node or by several") {
  SnapshotNodes nodes(GENERATE(range(1, 11)));
  const SomeSnapshot file("file", large);
  nodes.put("a", file);
  std::vector<std::size_t> fetches;
  for (const char* node : {"b", "b", "c", "d"}) {
    fetches.push_back(nodes.fetch(node, {file.on({"a"})}));
  }
  nodes.run_all();
  for (const std::size_t fetch : fetches) had(nodes, fetch);
  for (const char* node : {"b", "c", "d"}) {
    CHECK(nodes.files(node) == Files{{"file", file.bytes}});
  }
}

TEST_CASE("in a directory that all nodes see, files are looked at and stay where they are") {
  SnapshotNodes nodes;
  const SomeSnapshot file("file", 1000);
  const std::string directory = "/shared";
  const SnapshotStore shared(nodes.disk("b"), directory);
  shared.prepare(SnapshotNodes::run).value();
  const std::string path = shared.path(SnapshotNodes::run, "file").value();
  write_atomically(nodes.disk("b"), path, file.bytes).value();
  const std::size_t fetch = nodes.fetch("b", {file.on({})}, {}, directory);
  nodes.run_all();
  CHECK(had(nodes, fetch) == std::vector{file.on({})});
  CHECK(nodes.files("b").empty());

  nodes.disk("b").rot(path);
  const std::size_t again = nodes.fetch("b", {file.on({})}, {}, directory);
  nodes.run_all();
  CHECK(failed(nodes, again).code == ErrorCode::corrupt);
  CHECK_FALSE(is_node_fault(failed(nodes, again)));
}

TEST_CASE("what is no name of a state file is nobody's, however it is asked for") {
  SnapshotNodes nodes;
  for (const char* name : {"", ".", "..", "../x", "a/b", "file.new"}) {
    INFO(name);
    CHECK_FALSE(nodes.store("b").path(SnapshotNodes::run, name));
    SomeSnapshot file("file", 10);
    file.file.name = name;
    const std::size_t fetch = nodes.fetch("b", {file.on({"a"})});
    nodes.run_all();
    CHECK(failed(nodes, fetch).code != ErrorCode::internal);
  }
  for (const char* run : {"", "..", "a/b"}) CHECK_FALSE(nodes.store("b").of_run(RunUid(run)));
  CHECK_FALSE(nodes.store("b").path(SnapshotNodes::run, std::string(300, 'x')));
}
