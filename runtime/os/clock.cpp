#include "runtime/os/clock.hpp"

#include <chrono>

namespace troupe {
namespace {

class SystemClock final : public Clock {
 public:
  Instant now() const override {
    return Instant(std::chrono::steady_clock::now().time_since_epoch());
  }
  WallTime wall() const override {
    return WallTime(std::chrono::duration_cast<WallTime::duration>(
        std::chrono::system_clock::now().time_since_epoch()));
  }
};

}  // namespace

const Clock& system_clock() {
  static const SystemClock clock;
  return clock;
}

}  // namespace troupe
