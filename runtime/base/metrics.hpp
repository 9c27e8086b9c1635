#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <string>

namespace troupe {

using Labels = std::map<std::string, std::string>;

/// A count that only grows. Safe from any thread, cheap enough for a hot path once per batch.
class MetricCounter {
 public:
  void add(std::uint64_t amount = 1) { value_.fetch_add(amount, std::memory_order_relaxed); }
  std::uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

/// A level that goes up and down.
class MetricGauge {
 public:
  void set(double value) { value_.store(value, std::memory_order_relaxed); }
  double value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<double> value_{0};
};

/// The metrics of one node. `main` (or an embedding service) owns one and hands it down; a metric
/// lives as long as its registry, so references stay valid. Names follow Prometheus: snake case,
/// unit last, `_total` for counters.
class Metrics {
 public:
  Metrics();
  ~Metrics();
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;

  /// The counter of this name and these labels; the first call makes it.
  MetricCounter& counter(const std::string& name, const std::string& help, const Labels& = {});
  MetricGauge& gauge(const std::string& name, const std::string& help, const Labels& = {});
  /// Everything, in Prometheus' text format.
  std::string text() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace troupe
