// The allocator: after it has been arranged, threads share arenas, what a user has chosen stays,
// and where limits are tight blocks go back to the system as soon as they are free.
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

/// A sanitizer allocates by itself: what is arranged of glibc's allocator is not seen then.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool glibc_allocates = false;
#else
constexpr bool glibc_allocates = true;
#endif

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

TEST_CASE("blocks are mapped one by one only while the limits of what runs are tight") {
  if (!glibc_allocates) return;
  arrange_memory();
  const auto mapped = [] {
    const std::size_t before = mallinfo2().hblks;
    const std::vector<char> block(std::size_t{1} << 20);
    return mallinfo2().hblks - before + (block[0] != 0);
  };
  CHECK(mapped() == 0);
  {
    const AllocatorLimit tight(std::int64_t{256} << 20);
    CHECK(mapped() == 1);
    const AllocatorLimit ample(AllocatorLimit::ample_bytes);
    CHECK(mapped() == 0);
  }
  CHECK(mapped() == 0);
}
