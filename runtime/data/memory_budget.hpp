#pragma once

#include <atomic>
#include <cstdint>

namespace troupe {

/// What a writer may hold of rows that are not in its file yet, about, where nobody says.
inline constexpr std::int64_t writer_bytes_usual = std::int64_t{256} << 20;

/// The bytes that the tasks of one run may hold on one node. Operators reserve before they keep
/// rows; who cannot reserve spills or fails with `unavailable`. Safe from any thread.
class MemoryBudget {
 public:
  explicit MemoryBudget(std::int64_t bytes_max) : bytes_max_(bytes_max) {}

  /// Takes `bytes` if they fit; a negative amount gives back and always succeeds.
  bool reserve(std::int64_t bytes) {
    std::int64_t used = used_.load(std::memory_order_relaxed);
    while (bytes <= 0 || used + bytes <= bytes_max_) {
      if (used_.compare_exchange_weak(used, used + bytes, std::memory_order_relaxed)) return true;
    }
    return false;
  }
  void give_back(std::int64_t bytes) { used_.fetch_sub(bytes, std::memory_order_relaxed); }

  std::int64_t used() const { return used_.load(std::memory_order_relaxed); }
  std::int64_t bytes_max() const { return bytes_max_; }

 private:
  const std::int64_t bytes_max_;
  std::atomic<std::int64_t> used_{0};
};

}  // namespace troupe
