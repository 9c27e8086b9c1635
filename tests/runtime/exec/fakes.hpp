#pragma once

#include "runtime/data/batch.hpp"
#include "runtime/exec/task_host.hpp"
#include "runtime/graph/task_graph.hpp"
#include "runtime/operator/operator.hpp"
#include "runtime/operator/sink.hpp"
#include "runtime/operator/source.hpp"

#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace troupe {

/// One int64 column "n".
Batch numbers(const std::vector<std::int64_t>& values);
/// from, from + 1, ... (count of them)
Batch number_range(std::int64_t from, std::int64_t count);
std::vector<std::int64_t> values_of(const Batch& batch);

/// A host that does nothing by itself: the test runs what is woken and what was offloaded.
class ManualHost : public TaskHost {
 public:
  void wake() override { woken = true; }
  void wake_at(Instant time) override { timer = std::min(timer.value_or(time), time); }
  void offload(std::function<void()> work) override { offloaded.push_back(std::move(work)); }

  bool woken = false;
  std::optional<Instant> timer;  ///< the earliest asked for
  std::vector<std::function<void()>> offloaded;
};

/// While one lives, this thread plays workers and I/O threads in turn, and operators that block
/// check which of the two it is.
class OneThread {
 public:
  OneThread();
  ~OneThread();
  void play_io(const std::function<void()>& work);
};

/// Keeps the rows that reach it; what is committed is what a reader would see.
class FakeSink : public Sink {
 public:
  Result<std::unique_ptr<SinkWriter>> open(const SinkContext& context) override;
  Result<> commit(const SinkCommit& what, const std::vector<Committable>& staged) override;
  Result<> clean_up(const std::string& marker) override;

  std::vector<std::int64_t> rows() const;  ///< committed, sorted
  std::size_t written() const;             ///< rows that writers got
  int commits = 0;
  int clean_ups = 0;
  std::int64_t fail_after = -1;  ///< rows after which a writer fails

 private:
  class Writer;
  mutable std::mutex mutex_;
  std::map<std::string, std::vector<std::int64_t>> staged_;  ///< by tag
  std::vector<std::int64_t> committed_;
  std::size_t written_ = 0;
};

/// Batches of `rows` numbers; split i begins at i * 1'000'000.
class FakeSource : public Source {
 public:
  FakeSource(int batches, std::int64_t rows) : batches_(batches), rows_(rows) {}
  Result<std::vector<Split>> splits(std::uint32_t wanted) override;
  Result<std::unique_ptr<BatchReader>> open(const Split& split) override;

 private:
  const int batches_;
  const std::int64_t rows_;
};

// What graphs in these tests are made of. Each phase makes its object anew for every subtask.

Phase source_phase(int batches, std::int64_t rows);
Phase sink_phase(std::shared_ptr<FakeSink> sink);
/// Every row `times` times, a copy of the batch a call.
Phase repeat_phase(int times);
/// Rows that `modulus` divides.
Phase filter_phase(std::int64_t modulus);
/// Nothing until all input has ended, then one batch a call.
Phase hold_phase();
/// Passes rows on, but refuses to be called on a worker.
Phase blocking_phase();
/// Passes rows of all inputs on; wants each input only when those before it have ended.
Phase in_order_phase();
/// Passes rows on until there were `limit`.
Phase limit_phase(std::int64_t limit);
/// Fails at the first batch that holds `value`.
Phase failing_phase(std::int64_t value);

/// Adds a stage with this chain; vertices are named "<stage>.<index>". Sources get one split for
/// each subtask.
StageId add_stage(TaskGraph& graph, std::uint32_t parallelism, std::vector<Phase> chain);
void add_edge(TaskGraph& graph, StageId from, StageId to, ExchangeKind exchange, int input = 0);

}  // namespace troupe
