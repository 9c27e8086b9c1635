#pragma once

#include "runtime/exec/task_host.hpp"
#include "runtime/exec/task_output.hpp"
#include "runtime/exec/vertex_meter.hpp"
#include "runtime/os/clock.hpp"

#include <atomic>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

namespace troupe {

/// Hands a task's rows to a sink: one write is under way at a time, on the I/O pool, and at most
/// `waiting_max` batches wait for it. At a barrier, behind the rows before it, and when all rows
/// are written, the writer prepares.
class SinkOutput : public TaskOutput {
 public:
  /// `hidden` columns are taken off every batch. The task goes on from `begin`; 0: it begins.
  SinkOutput(std::shared_ptr<TaskHost> host, std::shared_ptr<Sink> sink, SinkContext context,
             int hidden, std::shared_ptr<VertexMeter> counters, const Clock& clock,
             Epoch begin = {});
  ~SinkOutput() override;

  void emit(Batch batch, int port) override;
  void emit_to(std::uint32_t partition, Batch batch) override;
  Result<bool> ready() override;
  bool closed() const override { return false; }
  void barrier(const Barrier& barrier) override;
  std::optional<std::vector<Committable>> staged_by(Epoch epoch) override;
  void finish() override;
  Result<bool> finished() override;
  void abandon() override;
  std::vector<Committable> staged() override;
  std::uint64_t bytes() const override;

  static constexpr std::size_t waiting_max = 2;

 private:
  class Work;
  std::shared_ptr<Work> work_;
  const int hidden_;
};

}  // namespace troupe
