#pragma once

#include "runtime/protocol/counters.hpp"

#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

namespace troupe {

/// The meter of one vertex of one task: written by whoever runs the task, once a batch.
struct VertexMeter {
  explicit VertexMeter(std::string name) : vertex(std::move(name)) {}

  VertexCounters read() const {
    return {vertex,
            rows_in.load(std::memory_order_relaxed),
            rows_out.load(std::memory_order_relaxed),
            bytes_in.load(std::memory_order_relaxed),
            bytes_out.load(std::memory_order_relaxed),
            Duration(busy.load(std::memory_order_relaxed)),
            notes_told(),
            rows_late.load(std::memory_order_relaxed)};
  }
  void count_in(std::int64_t rows, std::int64_t bytes) {
    rows_in.fetch_add(static_cast<std::uint64_t>(rows), std::memory_order_relaxed);
    bytes_in.fetch_add(static_cast<std::uint64_t>(bytes), std::memory_order_relaxed);
  }
  void count_out(std::int64_t rows, std::int64_t bytes) {
    rows_out.fetch_add(static_cast<std::uint64_t>(rows), std::memory_order_relaxed);
    bytes_out.fetch_add(static_cast<std::uint64_t>(bytes), std::memory_order_relaxed);
  }

  void count_busy(Duration time) { busy.fetch_add(time.count(), std::memory_order_relaxed); }
  void tell(std::vector<std::string> more) {
    std::lock_guard lock(mutex);
    for (std::string& note : more) notes.push_back(std::move(note));
  }
  std::vector<std::string> notes_told() const {
    std::lock_guard lock(mutex);
    return notes;
  }

  const std::string vertex;
  mutable std::mutex mutex;  ///< guards `notes`, which are few and come at the end
  std::vector<std::string> notes;
  std::atomic<Duration::rep> busy{0};
  std::atomic<std::uint64_t> rows_in{0};
  std::atomic<std::uint64_t> rows_out{0};
  std::atomic<std::uint64_t> bytes_in{0};
  std::atomic<std::uint64_t> bytes_out{0};
  std::atomic<std::uint64_t> rows_late{0};  ///< that the operator has dropped
};

}  // namespace troupe
