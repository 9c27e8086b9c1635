#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

namespace troupe {

/// What one vertex did inside one task, as read by somebody else.
struct VertexStatistics {
  std::string vertex;
  std::uint64_t rows_in = 0;
  std::uint64_t rows_out = 0;
  std::uint64_t busy_ns = 0;
  /// Bytes of the buffers behind those rows, in memory.
  std::uint64_t bytes_in = 0;
  std::uint64_t bytes_out = 0;
  std::vector<std::string> notes = {};  ///< what people should know of it

  friend bool operator==(const VertexStatistics&, const VertexStatistics&) = default;
};

/// What one task did so far. Busy: on a worker or the I/O pool for it; blocked: waiting for room or
/// for a disk; idle: waiting for rows.
struct TaskStatistics {
  std::vector<VertexStatistics> vertices;  ///< in order of the chain
  std::uint64_t bytes_out = 0;             ///< sent to other tasks or handed to a sink
  std::uint64_t busy_ns = 0;
  std::uint64_t blocked_ns = 0;
  std::uint64_t idle_ns = 0;
  std::uint32_t queue_percent = 0;  ///< how full its fullest input is now

  friend bool operator==(const TaskStatistics&, const TaskStatistics&) = default;
};

/// The meter of one vertex of one task: written by whoever runs the task, once a batch.
struct VertexMeter {
  explicit VertexMeter(std::string name) : vertex(std::move(name)) {}

  VertexStatistics read() const {
    return {vertex,
            rows_in.load(std::memory_order_relaxed),
            rows_out.load(std::memory_order_relaxed),
            busy_ns.load(std::memory_order_relaxed),
            bytes_in.load(std::memory_order_relaxed),
            bytes_out.load(std::memory_order_relaxed),
            notes_told()};
  }
  void count_in(std::int64_t rows, std::int64_t bytes) {
    rows_in.fetch_add(static_cast<std::uint64_t>(rows), std::memory_order_relaxed);
    bytes_in.fetch_add(static_cast<std::uint64_t>(bytes), std::memory_order_relaxed);
  }
  void count_out(std::int64_t rows, std::int64_t bytes) {
    rows_out.fetch_add(static_cast<std::uint64_t>(rows), std::memory_order_relaxed);
    bytes_out.fetch_add(static_cast<std::uint64_t>(bytes), std::memory_order_relaxed);
  }

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
  std::atomic<std::uint64_t> rows_in{0};
  std::atomic<std::uint64_t> rows_out{0};
  std::atomic<std::uint64_t> busy_ns{0};
  std::atomic<std::uint64_t> bytes_in{0};
  std::atomic<std::uint64_t> bytes_out{0};
};

}  // namespace troupe
