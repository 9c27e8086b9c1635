// A node's control over the lives of its coordinators: whoever is answered may ask again at once,
// and a coordinator that is turned away is used by nobody any more.
#include "actors/node/control_switch.hpp"

#include "tests/support/catch.hpp"

#include <atomic>
#include <thread>

using namespace troupe;

namespace {

/// Has ended: answers from within the call.
class Ended final : public Control {
 public:
  void take(AnyRequest, AnyAnswerTo answer) override {
    ++calls;
    answer(make_error(ErrorCode::unavailable, "the coordinator has ended"));
  }
  int calls = 0;
};

/// Does not return before it may.
class Slow final : public Control {
 public:
  void take(AnyRequest, AnyAnswerTo answer) override {
    entered = true;
    while (!may_return) std::this_thread::yield();
    answer(make_error(ErrorCode::unavailable, "late"));
  }
  std::atomic<bool> entered = false, may_return = false;
};

}  // namespace

TEST_CASE("whoever is answered may ask again at once") {
  Ended ended;
  ControlSwitch control;
  control.turn_to(&ended);
  std::string second;
  control.take(ListJobs{}, [&](const auto&) {
    control.take(ListJobs{}, [&](const auto& answer) { second = answer.error().message; });
  });
  CHECK(ended.calls == 2);
  CHECK(second == "the coordinator has ended");
}

TEST_CASE("a control that is turned away is used by nobody any more") {
  Slow slow;
  ControlSwitch control;
  control.turn_to(&slow);
  std::thread caller([&] { control.take(ListJobs{}, [](const auto&) {}); });
  while (!slow.entered) std::this_thread::yield();
  std::atomic<bool> away = false;
  std::thread turner([&] {
    control.turn_away(std::nullopt);
    away = true;
  });
  std::this_thread::sleep_for(20ms);
  CHECK_FALSE(away);
  slow.may_return = true;
  turner.join();
  caller.join();
  std::string told;
  control.take(ListJobs{}, [&](const auto& answer) { told = answer.error().message; });
  CHECK(told == "the coordinator is not there now: try again");
}
