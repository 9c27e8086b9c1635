#pragma once

#include "runtime/data/stream_item.hpp"
#include "runtime/operator/needed_values.hpp"
#include "runtime/operator/operator.hpp"
#include "runtime/operator/sink.hpp"

#include <optional>
#include <vector>

namespace troupe {

/// Where a task's rows leave it: other tasks, or a sink.
class TaskOutput : public Emitter {
 public:
  /// True when there is room for what one more call of an operator emits; after a false the task is
  /// woken when that may have changed. The failure of anything that was emitted is told here.
  virtual Result<bool> ready() = 0;
  /// True once nobody wants more rows.
  virtual bool closed() const = 0;
  /// The event time of all rows that follow is not earlier, except that of late ones.
  virtual void advance(const Watermark& /*mark*/) {}
  /// The task of a stream has nothing else to do: rows that wait here for more of them need not.
  /// True if there were some.
  virtual bool let_go() { return false; }
  /// An epoch ends behind the rows that were emitted.
  virtual void barrier(const Barrier& /*barrier*/) {}
  /// What a sink has staged up to this barrier and does not know to be published; none while rows
  /// in front of it are on their way to the disk.
  virtual std::optional<std::vector<Committable>> staged_by(Epoch /*epoch*/) {
    return std::vector<Committable>();
  }
  /// No more rows will come. Called once.
  virtual void finish() = 0;
  /// True once everything is where it has to be for the task to be done. Called after `finish`.
  virtual Result<bool> finished() = 0;
  /// The task has failed: nothing more is sent or written.
  virtual void abandon() = 0;
  /// What a sink has staged and does not know to be published, once finished.
  virtual std::vector<Committable> staged() { return {}; }
  virtual std::uint64_t bytes() const = 0;
  /// Rows that no receiver needs would be left out.
  virtual void listen() {}
  /// Which rows the receivers need; none before all have said so: then the task is woken.
  virtual std::optional<NeededValues> needed() { return NeededValues(); }
};

}  // namespace troupe
