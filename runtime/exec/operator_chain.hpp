#pragma once

#include "runtime/exec/task_output.hpp"
#include "runtime/exec/vertex_meter.hpp"
#include "runtime/operator/needed_values.hpp"
#include "runtime/operator/operator.hpp"
#include "runtime/os/clock.hpp"

#include <deque>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace troupe {

/// The fused operators of a task: a row passes from one to the next by a plain call.
///
/// The chain always works at its downstream end first: the last operator that has a batch waiting
/// (or more to say) gets the next call, and input is accepted only when nothing waits anywhere. So
/// between two operators there is never more than what one call emitted, however often an operator
/// says `again`.
///
/// So a barrier finds it empty, and passes one operator after the other as event time does: each
/// lets go what it holds for others, and hands over what has changed in its state.
class OperatorChain {
 public:
  /// What the operators have handed over at a barrier, in their order.
  struct Handed {
    Barrier barrier;
    std::vector<StateRows> rows;
  };
  struct Link {
    std::unique_ptr<Operator> op;
    std::shared_ptr<VertexMeter> counters;
    OperatorContext context;
    std::vector<int> hidden_taken_off = {};  ///< of the columns of each input; none: zero
  };

  /// `inputs` of the first operator; `out` takes what the last one emits and outlives the chain.
  OperatorChain(std::vector<Link> links, int inputs, TaskOutput& out, const Clock& clock);
  ~OperatorChain();

  Result<> open();

  /// True when it may be given input: nothing waits and the input has not ended.
  bool accepts() const;
  /// False while rows of this input are better left where they are.
  bool wants(int input) const;
  /// The first operator, where it can tell which rows of its inputs it needs; else null.
  NarrowsInput* narrows_input() const;
  /// Whether rows that nobody needs may be missing from its only input.
  bool passes_columns() const;
  /// What is needed of its output, by the columns of its input: those that are columns there.
  NeededValues traced(const NeededValues& of_output) const;
  void offer(int input, Batch batch);
  /// The event time of the input has come so far, or nobody waits for it. Only where nothing waits
  /// in the chain.
  void advance(const Watermark& mark);
  /// All rows of an epoch are in. Only where nothing waits in the chain.
  void barrier(const Barrier& barrier);
  /// Once a barrier has left the chain: what it has brought, told once.
  std::optional<Handed> take_handed() { return std::exchange(handed_, std::nullopt); }
  /// Rows that a table of an operator held. On a thread that may block, after `open`.
  Result<> restore(std::size_t op, int table, const Batch& rows);
  void end_input(int input);
  /// No input is open: all have ended, or an operator is satisfied and nothing can change what the
  /// chain still has to say.
  bool closed() const { return open_inputs_ == 0; }
  /// Nobody wants the output any more: the chain has finished, now.
  void abandon();

  /// True when `step` would touch files: it must then be called on a thread that may block.
  bool blocks() const;
  /// One call of one operator. False: there is nothing to do without input, or it has finished.
  Result<bool> step();
  /// The last operator has said all it will say.
  bool finished() const;

 private:
  struct Stop;
  class LinkEmitter;

  Stop* active();
  Result<> call(Stop& stop);
  void pass_on(std::size_t index, const Watermark& mark);
  Result<> hand_over(Stop& stop, std::size_t index);
  void leave(const Barrier& barrier);
  void end_early(std::size_t satisfied);

  std::vector<Stop> stops_;
  TaskOutput& out_;
  const Clock& clock_;
  int open_inputs_;
  std::vector<StateRows> rows_;  ///< of the operators that a barrier has passed
  std::optional<Handed> handed_;
};

}  // namespace troupe
