// Any bytes are refused as a control frame or can be read like one.
#include "runtime/base/ensure.hpp"
#include "runtime/wire/frame.hpp"
#include "tests/fuzz/fuzz_target.hpp"

using namespace troupe;

namespace {

Tokens tokens() {
  return {.cluster = ClusterName("c"), .sender = NodeId("n1"), .incarnation = Incarnation(1)};
}

std::string bytes_of(const Frame& frame) { return {frame.bytes().begin(), frame.bytes().end()}; }

}  // namespace

std::vector<std::string> troupe::fuzz_corpus() {
  return {bytes_of(Frame::make<schema::Hello>(tokens(), "",
                                              [](schema::Hello::Builder hello) {
                                                hello.setAddress("tcp://127.0.0.1:7070");
                                                hello.initClock().setSentAt(7);
                                              })),
          bytes_of(Frame::make<schema::Reject>(
              tokens(), "coordinator", [](schema::Reject::Builder reject) { reject.setText("no"); },
              {9, "task/1/2.3"})),
          bytes_of(Frame::make<schema::Heartbeat>(tokens(), "",
                                                  [](auto beat) { beat.initClock().setEcho(1); }))};
}

int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const auto frame = Frame::decode({bytes, size});
  if (!frame) {
    ENSURE(frame.error().code == ErrorCode::corrupt, "bytes that do not decode are corrupt");
    return 0;
  }
  (void)frame->tokens();
  (void)frame->to();
  (void)frame->request();
  (void)frame->read<schema::Hello>([](auto body) {
    (void)body.getAddress().size();
    (void)body.getClock().getEcho();
  });
  (void)frame->read<schema::Reject>([](auto body) { (void)body.getText().size(); });
  (void)frame->read<schema::Heartbeat>([](auto body) { (void)body.getClock().getEcho(); });
  // What was accepted is accepted again, with the same bytes: nothing depends on where it lies.
  const auto again = Frame::decode(frame->bytes());
  ENSURE(again && std::ranges::equal(again->bytes(), frame->bytes()), "decoding is not stable");
  return 0;
}
