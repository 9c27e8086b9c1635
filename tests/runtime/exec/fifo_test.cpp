// A Fifo is a queue like std::deque, whatever is done to it, and has nothing on the heap when
// empty.
#include "runtime/exec/fifo.hpp"

#include "runtime/os/random.hpp"
#include "tests/support/catch.hpp"

#include <deque>
#include <memory>

using namespace troupe;

TEST_CASE("a queue gives what it was given, in order") {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    INFO("seed " << seed);
    Random random(seed);
    Fifo<int> queue;
    std::deque<int> twin;
    for (int i = 0; i < 2000; ++i) {
      if (random.below(100) < 40 + seed) {
        queue.push_back(i);
        twin.push_back(i);
      } else if (!twin.empty()) {
        CHECK(queue.front() == twin.front());
        queue.pop_front();
        twin.pop_front();
      }
      CHECK(queue.size() == twin.size());
      CHECK(queue.empty() == twin.empty());
    }
  }
}

TEST_CASE("what was taken out is not held any more") {
  Fifo<std::shared_ptr<int>> queue;
  const auto first = std::make_shared<int>(1);
  queue.push_back(first);
  for (int i = 0; i < 9; ++i) queue.push_back(std::make_shared<int>(i));
  queue.pop_front();
  CHECK(first.use_count() == 1);
}

TEST_CASE("a queue that is empty is small") { CHECK(sizeof(Fifo<int>) <= 4 * sizeof(void*)); }
