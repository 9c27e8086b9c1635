#include "actors/store/store_actor.hpp"
#include "actors/system/stepped_actor_system.hpp"
#include "runtime/host/snapshot_bytes.hpp"
#include "runtime/spill/partition_writer.hpp"
#include "tests/runtime/host/two_planes.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/temp_dir.hpp"

using namespace troupe;

namespace {

/// Node "a" keeps what attempt 3 of task 1.0 of run 7 has made; node "b" asks for it.
struct TwoNodes {
  TwoNodes()
      : kept(system_files(), directory.path()),
        store(system.spawn<StoreActor>(
            "store", StoreServices{{kept, snapshots}, planes.plane("a"), planes.metrics})) {
    planes.other = [this](const NodeId& from, const NodeId& to, const Frame& frame) {
      REQUIRE(to == NodeId("a"));
      REQUIRE(frame.to() == store_address);
      store.tell(ServePartition{fetch_request_of(from, frame).value()});
    };
    planes.up();
  }

  void keep(int batches, std::int64_t rows) {
    auto writer = PartitionWriter::create(system_files(), kept.output(producer, 2), 2).value();
    for (int i = 0; i < batches; ++i) {
      writer->write(1, number_range(i * rows, rows)).value();
    }
    writer->finish().value();
  }
  std::unique_ptr<ChannelReceiver> fetch() {
    return planes.b().fetch(planes.seen_from_b(), {producer, 2, 1}, host).value();
  }
  void run() {
    for (int i = 0; i < 10; ++i) {
      planes.deliver();
      system.run();
    }
  }

  TempDir directory;
  TwoPlanes planes;
  KeptFiles kept;
  SnapshotStore snapshots{system_files(), directory.path() + "/checkpoints"};
  SteppedActorSystem system{1};
  const AttemptKey producer{RunId(7), {StageId(1), 0}, Attempt(3)};
  std::shared_ptr<ManualHost> host = std::make_shared<ManualHost>();
  StoreActor::Ref store;
};

}  // namespace

TEST_CASE("a kept partition reaches a consumer on another node, within its credit") {
  // 60 blocks of 10,000 rows: more than the window, so the store has to wait for grants.
  TwoNodes nodes;
  nodes.keep(60, 10'000);
  auto receiver = nodes.fetch();
  std::int64_t rows = 0;
  bool ended = false;
  for (int turn = 0; turn < 200 && !ended; ++turn) {
    nodes.run();
    CHECK(receiver->level().batches <= 16);
    while (auto item = receiver->receive().value()) {
      ended = std::holds_alternative<EndOfStream>(*item);
      if (ended) break;
      auto values = values_of(std::get<Batch>(*item));
      REQUIRE(values.front() == rows);
      rows += static_cast<std::int64_t>(values.size());
      REQUIRE(values.back() == rows - 1);
    }
  }
  CHECK(ended);
  CHECK(rows == 600'000);
  nodes.run();
  CHECK(nodes.system.live().size() == 1);  // the store alone
  CHECK((nodes.planes.a().open() == 0 && nodes.planes.b().open() == 0));
}

TEST_CASE("a partition that is not there is refused with the reason") {
  TwoNodes nodes;
  auto receiver = nodes.fetch();
  nodes.run();
  auto received = receiver->receive();
  REQUIRE_FALSE(received);
  CHECK(received.error().code == ErrorCode::not_found);
  CHECK(received.error().message.find("node a: ") == 0);
}

TEST_CASE("a damaged partition is refused, not sent") {
  TwoNodes nodes;
  nodes.keep(3, 10'000);
  auto bytes = system_files().read(nodes.kept.output(nodes.producer, 2)).value();
  bytes[bytes.size() / 2] ^= 1;
  write_atomically(system_files(), nodes.kept.output(nodes.producer, 2), bytes).value();
  auto receiver = nodes.fetch();
  std::optional<Error> error;
  for (int turn = 0; turn < 10 && !error; ++turn) {
    nodes.run();
    while (true) {
      auto item = receiver->receive();
      if (!item) error = item.error();
      if (!item || !*item) break;
      REQUIRE_FALSE(std::holds_alternative<EndOfStream>(**item));
    }
  }
  REQUIRE(error);
  CHECK(error->code == ErrorCode::corrupt);
}

TEST_CASE("a consumer that goes away ends what is sent to it") {
  TwoNodes nodes;
  nodes.keep(60, 10'000);
  auto receiver = nodes.fetch();
  nodes.run();
  CHECK(nodes.system.live().size() == 2);
  receiver.reset();
  nodes.run();
  CHECK(nodes.system.live().size() == 1);
}

TEST_CASE("a state file reaches another node byte by byte, and one that is not there is refused") {
  TwoNodes nodes;
  std::string bytes;
  for (int i = 0; bytes.size() < 3'000'000; ++i) bytes += std::to_string(i);
  nodes.snapshots.prepare(RunUid("uid")).value();
  const std::string path = nodes.snapshots.path(RunUid("uid"), "file").value();
  write_atomically(system_files(), path, bytes).value();
  const PeerNode a = nodes.planes.seen_from_b().peer;
  auto receiver = nodes.planes.b().fetch_snapshot(a, {RunUid("uid"), "file"}, nodes.host).value();
  std::string got;
  bool ended = false;
  for (int turn = 0; turn < 200 && !ended; ++turn) {
    nodes.run();
    CHECK(receiver->level().batches <= 16);
    while (auto item = receiver->receive().value()) {
      ended = std::holds_alternative<EndOfStream>(*item);
      if (ended) break;
      got += bytes_in(std::get<Batch>(*item)).value();
    }
  }
  CHECK(ended);
  CHECK(got == bytes);

  for (const char* name : {"other", "../work"}) {
    auto missing = nodes.planes.b().fetch_snapshot(a, {RunUid("uid"), name}, nodes.host).value();
    nodes.run();
    const auto received = missing->receive();
    REQUIRE_FALSE(received);
    CHECK(received.error().message.find("node a: ") == 0);
  }
  nodes.run();
  CHECK(nodes.system.live().size() == 1);
}
