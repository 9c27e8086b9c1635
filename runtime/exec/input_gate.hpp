#pragma once

#include "runtime/data/memory_budget.hpp"
#include "runtime/exec/channel.hpp"
#include "runtime/exec/fifo.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <variant>
#include <vector>

namespace troupe {

/// All channels into a task, as its inputs.
///
/// Channels of an unordered input take turns, a batch each. An ordered input (a gather) is read one
/// channel after the other, in producer order; where those producers are fed by a common exchange,
/// one that is not read yet would stop the others for ever, so its waiting rows are set aside.
class InputGate {
 public:
  struct Input {
    std::vector<std::unique_ptr<ChannelReceiver>> channels;
    bool ordered = false;
    /// Rows of later channels of an ordered input may be set aside.
    bool set_aside = false;
  };
  struct Rows {
    int input = 0;
    Batch batch;
  };
  struct Ended {
    int input = 0;
  };
  using Event = std::variant<Rows, Ended>;

  /// What is set aside is reserved in `memory` (may be null); no more than fits is.
  explicit InputGate(std::vector<Input> inputs, std::shared_ptr<MemoryBudget> memory = {});
  ~InputGate();

  /// The next thing to do, from inputs that are wanted; none: the task is woken when there is more.
  Result<std::optional<Event>> poll(const std::function<bool(int)>& wanted);
  /// Nothing more is wanted.
  void close();
  /// All producers of an input are told later which rows of it are needed.
  void promise(int input);
  /// Whether all of them listen.
  bool listened(int input) const;
  void tell(int input, const NeededValues& needed);
  /// How full the fullest channel is.
  std::uint32_t fill_percent() const;

 private:
  struct Aside {
    Batch batch;
    std::int64_t bytes = 0;
  };
  struct Lane {
    std::unique_ptr<ChannelReceiver> channel;
    Fifo<Aside> aside;
    bool ended = false;
  };
  struct State {
    std::vector<Lane> lanes;
    bool ordered = false;
    bool set_aside = false;
    std::size_t next = 0;  ///< ordered: the lane being read; else: whose turn it is
    std::size_t open = 0;  ///< lanes that have not ended
    bool ended = false;
  };

  Result<std::optional<Event>> poll_input(int input);
  Result<std::optional<Batch>> take_in_order(State& state);
  Result<std::optional<Batch>> take_in_turn(State& state);
  Result<std::optional<Batch>> take(State& state, Lane& lane);
  Result<> move_aside(State& state);
  Batch take_aside(Lane& lane);

  std::vector<State> inputs_;
  std::shared_ptr<MemoryBudget> memory_;
  std::size_t turn_ = 0;
};

}  // namespace troupe
