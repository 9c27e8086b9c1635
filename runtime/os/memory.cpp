#include "runtime/os/memory.hpp"

#include <algorithm>
#include <cstdlib>
#include <malloc.h>
#include <thread>

namespace troupe {
namespace {

/// Free memory at the end of an arena beyond this is returned to the system.
constexpr int kept_bytes_max = 128 << 20;
/// Larger blocks are mapped one by one and returned as soon as they are free; the C library allows
/// no more.
constexpr int mapped_bytes_min = 32 << 20;

}  // namespace

void arrange_memory() {
  // Read by Arrow where memory is first asked for. Who has set it knows better.
  setenv("ARROW_DEFAULT_MEMORY_POOL", "system", 0);
  mallopt(M_ARENA_MAX, static_cast<int>(std::max(1u, std::thread::hardware_concurrency())));
  mallopt(M_TRIM_THRESHOLD, kept_bytes_max);
  mallopt(M_MMAP_THRESHOLD, mapped_bytes_min);
}

}  // namespace troupe
