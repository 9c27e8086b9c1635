// The allocator: after it has been arranged, threads share arenas, and what a user has chosen
// stays.
#include "runtime/os/memory.hpp"

#include "tests/support/catch.hpp"

#include <algorithm>
#include <barrier>
#include <cstdio>
#include <cstdlib>
#include <malloc.h>
#include <string>
#include <thread>
#include <vector>

using namespace troupe;

namespace {

std::size_t arenas() {
  char* text = nullptr;
  std::size_t size = 0;
  std::FILE* file = open_memstream(&text, &size);
  malloc_info(0, file);
  std::fclose(file);
  const std::string told(text, size);
  std::free(text);
  std::size_t count = 0;
  for (auto at = told.find("<heap "); at != std::string::npos; at = told.find("<heap ", at + 1)) {
    ++count;
  }
  return count;
}

}  // namespace

TEST_CASE("there are no more arenas than cores, however many threads allocate") {
  arrange_memory();
  const std::size_t before = arenas();
  const std::size_t cores = std::max(1u, std::thread::hardware_concurrency());
  const std::size_t count = 2 * cores + 4;
  std::barrier all_hold(static_cast<std::ptrdiff_t>(count));
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < count; ++i) {
    threads.emplace_back([&] {
      const std::vector<char> held(100'000);
      all_hold.arrive_and_wait();
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(arenas() <= std::max(before, cores));
}

TEST_CASE("Arrow allocates like everything else, unless the user says otherwise") {
  unsetenv("ARROW_DEFAULT_MEMORY_POOL");
  arrange_memory();
  CHECK(std::string(std::getenv("ARROW_DEFAULT_MEMORY_POOL")) == "system");
  setenv("ARROW_DEFAULT_MEMORY_POOL", "mimalloc", 1);
  arrange_memory();
  CHECK(std::string(std::getenv("ARROW_DEFAULT_MEMORY_POOL")) == "mimalloc");
  unsetenv("ARROW_DEFAULT_MEMORY_POOL");
}
