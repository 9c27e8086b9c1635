#pragma once

#include "runtime/base/time.hpp"
#include "runtime/exec/feed_receiver.hpp"
#include "runtime/exec/input_gate.hpp"
#include "runtime/exec/operator_chain.hpp"
#include "runtime/exec/snapshot_keeper.hpp"
#include "runtime/exec/splits_reader.hpp"
#include "runtime/exec/task_host.hpp"
#include "runtime/exec/task_output.hpp"
#include "runtime/exec/vertex_meter.hpp"
#include "runtime/protocol/task_snapshot.hpp"

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace troupe {

/// How much a task may do before others get their turn.
struct TaskBudget {
  int steps = 4;
  Duration time = 2ms;
};

enum class Progress {
  worked,   ///< and there is more: run it again
  waiting,  ///< its host is woken when there is more to do
  done,     ///< everything has left: staged() and counters() are final
  failed,   ///< error() says why
};

/// What the task of a stream says while it runs, for its coordinator.
struct TaskNews {
  /// The epochs that it acknowledges.
  std::vector<std::pair<Epoch, TaskSnapshot>> saved = {};
  bool exhausted = false;  ///< its sources have come to their end; told once

  bool any() const { return exhausted || !saved.empty(); }
};

/// One attempt of one subtask: input, a fused chain of operators, output.
///
/// A task has no thread. Its shell calls `run` after each wake of its host, one thread at a time,
/// until it says done or failed; a run never blocks. What blocks (reading splits, writing to a
/// sink, an operator that touches its files) goes to the host's I/O threads, and while an operator
/// is away there, `run` leaves the chain alone.
///
/// The task of a stream takes part in the epochs of its run: it has a `SnapshotKeeper`. A barrier
/// comes through its channels, or by `snapshot` where it reads a source, passes the chain and
/// leaves by the output; what the operators hand over is written meanwhile. The epoch is
/// acknowledged by `news` when both that and what its sink has staged are durable.
///
/// Invariant: an operator is called only when the output has room for what it emits, so a slow
/// consumer stops its producers within their channels' limits.
class Task {
 public:
  struct Parts {
    std::shared_ptr<TaskHost> host;
    std::unique_ptr<InputGate> gate;
    int inputs = 1;
    std::vector<OperatorChain::Link> links;
    std::shared_ptr<TaskOutput> output;
    /// Of all vertices in the order of the chain, the source's and the sink's included.
    std::vector<std::shared_ptr<VertexMeter>> counters;
    std::shared_ptr<MemoryBudget> memory;
    /// Set where the source can leave out rows that nobody needs.
    std::shared_ptr<SourceNeeds> needs = {};
    // Of a task that takes part in epochs.
    std::shared_ptr<SnapshotKeeper> keeper = {};
    std::string sink = {};                      ///< its vertex, where the chain ends in one
    bool restores = false;                      ///< it goes on from an epoch
    FeedReceiver* source = nullptr;             ///< in the gate, where it reads a source
    std::shared_ptr<SplitPosition> begin = {};  ///< where that one is read from
  };

  Task(Parts parts, const Clock& clock);
  ~Task();

  Progress run(const TaskBudget& budget = {});
  // Of a stream; any thread, any time.
  /// An epoch ends here for the rows of its sources.
  void snapshot(const Barrier& barrier, bool hold = false);
  /// It need not stay any more when its sources have come to their end.
  void end_sources();

  /// What it has to say since the last call; after each `run`.
  TaskNews news();
  /// Ends it as soon as `run` is called next; what was staged is left to the sink's clean-up.
  void cancel();
  /// The failure of a call that ran elsewhere.
  void fail(Error error);

  const Error& error() const { return *error_; }
  std::vector<Committable> staged() const { return output_->staged(); }
  /// Any thread, any time.
  TaskCounters counters() const;
  /// Sent to other tasks, or handed to a sink.
  std::uint64_t bytes_out() const { return output_->bytes(); }

 private:
  enum class Turn { worked, idle, blocked, done };
  class Away;

  Result<Turn> turn();
  Result<Turn> open();
  void begin();
  Result<> keep_handed();
  Result<> acknowledge();
  Result<Turn> take_input();
  Result<Turn> advance();
  Result<Turn> send_away();
  bool know_needs();
  void tell_needs();
  void close_input();
  void account(Instant from, Instant to, Turn last);
  void note_alignment(Instant now);

  const std::shared_ptr<TaskHost> host_;
  const std::shared_ptr<MemoryBudget> memory_;
  const Clock& clock_;
  std::unique_ptr<InputGate> gate_;
  std::shared_ptr<TaskOutput> output_;  ///< outlives the chain
  std::shared_ptr<OperatorChain> chain_;
  std::shared_ptr<Away> away_;
  const std::vector<std::shared_ptr<VertexMeter>> meters_;
  std::optional<Error> error_;
  std::atomic<bool> cancelled_{false};
  std::shared_ptr<SourceNeeds> needs_;  ///< null: they are known, or nobody asks for them
  bool promised_ = false;               ///< to tell the producers of input 0 what is needed
  const std::shared_ptr<SnapshotKeeper> keeper_;  ///< null: it takes no part in epochs
  const std::string sink_;
  FeedReceiver* const source_;
  const std::shared_ptr<SplitPosition> begin_;
  std::shared_ptr<TaskPoint> restored_;         ///< null: it begins, or has gone on
  EventTime time_ = EventTime::min();           ///< told to the chain
  std::optional<SnapshotKeeper::Saved> saved_;  ///< its sink is not so far
  TaskNews news_;
  bool told_exhausted_ = false;
  bool opened_ = false;
  bool input_closed_ = false;
  bool finishing_ = false;
  Turn last_turn_ = Turn::idle;
  std::optional<Instant> last_run_;
  std::atomic<Duration::rep> busy_{0};
  std::atomic<Duration::rep> blocked_{0};
  std::atomic<Duration::rep> idle_{0};
  std::atomic<std::uint32_t> queue_percent_{0};
  // Of epochs, for people.
  std::optional<Instant> aligning_since_;
  Duration aligned_ = {};             ///< the last barrier
  std::optional<Instant> handed_at_;  ///< what the operators held at it
  std::atomic<std::int64_t> watermark_{0};
  std::atomic<std::int64_t> state_bytes_{0};
};

}  // namespace troupe
