#include "runtime/host/channel_end.hpp"
#include "tests/runtime/host/two_planes.hpp"
#include "tests/support/catch.hpp"

#include <arrow/array.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

using namespace troupe;

namespace {

/// One channel from "a" to "b", and what its receiver has got.
struct OneChannel {
  OneChannel()
      : sender(planes.a().open_sender(planes.seen_from_a(), sending).value()),
        receiver(planes.b().open_receiver(planes.seen_from_b(), receiving).value()) {}

  /// Sends while there is room; the number of batches.
  int send_all(std::int64_t rows, int batches) {
    int sent = 0;
    for (; sent < batches; ++sent) {
      auto batch = number_range(next, rows);
      if (!sender->has_room(batch.bytes())) break;
      next += rows;
      auto bytes = batch.bytes();
      sender->send(std::move(batch), bytes);
    }
    return sent;
  }
  /// Takes at most so many batches; what is wrong is thrown.
  int take(int batches) {
    int taken = 0;
    for (; taken < batches; ++taken) {
      auto item = receiver->receive().value();
      if (!item) break;
      if (std::holds_alternative<EndOfStream>(*item)) {
        ended = true;
        break;
      }
      for (auto value : values_of(std::get<Batch>(*item))) got.push_back(value);
    }
    return taken;
  }
  bool in_order() const {
    for (std::size_t i = 0; i < got.size(); ++i) {
      if (got[i] != static_cast<std::int64_t>(i)) return false;
    }
    return true;
  }

  TwoPlanes planes;
  std::shared_ptr<ManualHost> sending = std::make_shared<ManualHost>();
  std::shared_ptr<ManualHost> receiving = std::make_shared<ManualHost>();
  std::unique_ptr<ChannelSender> sender;
  std::unique_ptr<ChannelReceiver> receiver;
  std::int64_t next = 0;
  std::vector<std::int64_t> got;
  bool ended = false;
};

}  // namespace

TEST_CASE("a channel waits for its session, then carries rows in order to their end") {
  OneChannel channel;
  CHECK(channel.send_all(10, 1) == 0);
  channel.planes.up();
  CHECK(channel.sending->woken);
  CHECK(channel.send_all(10, 3) == 3);
  channel.sender->send(EndOfStream{}, 0);
  CHECK(channel.sender->flushed());
  channel.planes.deliver();
  CHECK(channel.receiving->woken);
  CHECK(channel.take(10) == 3);
  CHECK(channel.ended);
  CHECK(channel.got.size() == 30);
  CHECK(channel.in_order());
  channel.receiver.reset();
  channel.sender.reset();
  CHECK((channel.planes.a().open() == 0 && channel.planes.b().open() == 0));
}

TEST_CASE("a sender never has more on its way than the window, and no row is lost to waiting") {
  // 2,000 batches, taken one at a time in bursts: what is held is looked at after each delivery.
  OneChannel channel;
  channel.planes.up();
  std::uint64_t most = 0;
  int sent = 0;
  while (!channel.ended) {
    sent += channel.send_all(100, 2000 - sent);
    if (sent == 2000 && channel.sender->flushed()) {
      channel.sender->send(EndOfStream{}, 0);
      ++sent;
    }
    channel.planes.deliver();
    most = std::max<std::uint64_t>(most, channel.receiver->level().batches);
    channel.take(3);
  }
  CHECK(most == remote_window.batches);
  CHECK(channel.got.size() == 200'000);
  CHECK(channel.in_order());
  // Grants come for half a window, not for each batch.
  CHECK(channel.planes.frames <= 2000 / (remote_window.batches / 2) + 1);
}

TEST_CASE("a batch larger than the whole window passes alone") {
  // 64 Ki rows of 20 numbers are 10 MiB.
  OneChannel channel;
  channel.planes.up();
  auto narrow = number_range(0, batch_rows_max);
  arrow::FieldVector fields;
  for (int i = 0; i < 20; ++i) fields.push_back(arrow::field(std::to_string(i), arrow::int64()));
  const Batch wide(arrow::RecordBatch::Make(arrow::schema(fields), batch_rows_max,
                                            arrow::ArrayVector(20, narrow.columns()->column(0))));
  for (int i = 0; i < 3; ++i) {
    REQUIRE(channel.sender->has_room(wide.bytes()));
    channel.sender->send(wide, wide.bytes());
    CHECK_FALSE(channel.sender->has_room(1));
    channel.planes.deliver();
    REQUIRE(channel.take(5) == 1);
    channel.planes.deliver();
  }
  CHECK(channel.got.size() == 3 * static_cast<std::size_t>(batch_rows_max));
}

TEST_CASE("a receiver that wants nothing more lets its sender go on") {
  OneChannel channel;
  channel.planes.up();
  channel.receiver->close();
  channel.sending->woken = false;
  channel.planes.deliver();
  CHECK(channel.sending->woken);
  CHECK(channel.sender->closed());
}

TEST_CASE("a channel breaks with its session, at both ends, and stays broken") {
  OneChannel channel;
  channel.planes.up();
  channel.send_all(10, 3);
  channel.planes.down();
  CHECK(channel.sender->status().error().code == ErrorCode::unavailable);
  auto received = channel.receiver->receive();
  REQUIRE_FALSE(received);
  CHECK(received.error().message == "node a is gone: its connection closed");
  channel.planes.up();
  CHECK_FALSE(channel.sender->status());
}

TEST_CASE("rows that are lost after their sender has ended are told to who waits for them") {
  OneChannel channel;
  channel.planes.up();
  CHECK(channel.send_all(10, 3) == 3);
  channel.sender->send(EndOfStream{}, 0);
  REQUIRE(channel.sender->flushed());
  channel.sender.reset();  // its task is done
  channel.planes.lose();
  channel.receiving->woken = false;
  channel.planes.deliver();
  CHECK(channel.receiving->woken);
  const auto received = channel.receiver->receive();
  REQUIRE_FALSE(received);
  CHECK(received.error().code == ErrorCode::unavailable);
}

TEST_CASE("a channel to an incarnation that was replaced breaks instead of waiting") {
  OneChannel channel;
  channel.planes.up(Incarnation(1), Incarnation(3));
  CHECK(channel.sender->status().error().message == "node b was replaced by its incarnation 3");
}

TEST_CASE("a peer that cannot be reached breaks what waits for it, in time") {
  OneChannel channel;
  channel.planes.a().tick(Instant(connect_max));
  CHECK(channel.sender->status().ok());
  channel.planes.a().tick(Instant(connect_max + 1ms));
  CHECK(channel.sender->status().error().message == "node b cannot be reached at tcp://b");
}

TEST_CASE("rows for a channel that is not here are counted and dropped") {
  OneChannel channel;
  channel.planes.up();
  channel.send_all(10, 1);
  channel.receiver.reset();
  channel.planes.deliver();
  CHECK(channel.planes.metrics
            .counter("troupe_data_frames_refused_total", "", {{"reason", "unknown_channel"}})
            .value() == 1);
}
